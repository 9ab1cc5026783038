import { leavingSign, type NodeSign, type NodeSignKind } from '../core/node-sign.ts';
import type { Knowledge } from '../knowledge.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import type { LeaderPorts } from './leader-ports.ts';

export interface NodeDeskOptions {
  readonly knowledge: Pick<Knowledge, 'store'>;
  readonly ports: Pick<LeaderPorts, 'reportNode'>;
  /** Whether any Service has the Pod. */
  readonly isSelected: (podUid: string) => boolean;
  /** Which signs of a node's end take its targets out ahead of its Pods. */
  readonly drainNodeOn: ReadonlySet<NodeSignKind>;
}

/** The nodes whose end is announced, as far as a term acts on it. */
export class NodeDesk {
  readonly #options: NodeDeskOptions;
  /** What was told last of each node that is about to end. */
  readonly #told = new Map<string, NodeSignKind>();

  constructor(options: NodeDeskOptions) {
    this.#options = options;
  }

  /** The sign for which the node's targets leave ahead of its Pods. */
  signOf = (node: string): NodeSign | undefined => {
    const { knowledge, drainNodeOn } = this.#options;
    return leavingSign(knowledge.store.signsOf(node), drainNodeOn);
  };

  /** Tells on the node what becomes of its targets, if there are any. */
  look(node: string): void {
    const { knowledge, isSelected } = this.#options;
    const sign = this.signOf(node);
    const before = this.#told.get(node);
    if (sign?.kind === before) return;
    if (before === undefined && ![...knowledge.store.podUidsOf(node)].some(isSelected)) return;
    if (sign) this.#told.set(node, sign.kind);
    else this.#told.delete(node);
    this.#options.ports.reportNode(node, sign ? leaves(node, sign) : stays(node));
  }
}

function leaves(node: string, { kind, detail }: NodeSign): Problem {
  const said = detail === '' ? '' : ` (${detail})`;
  return problem(
    'CD3003',
    `Node ${node}: its end is announced by ${kind}${said}. The targets of its Pods are taken to weight 0 ahead of their ` +
      'eviction, as far as others can take over; they serve again if the sign goes away.',
  );
}

function stays(node: string): Problem {
  return problem('CD3003', `Node ${node}: its end is no longer announced. The targets of its Pods serve again.`);
}
