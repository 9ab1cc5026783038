import { type LeavingSign, leavingSign, type NodeSignKind, UNREACHABLE } from '../core/node-sign.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import { BlindNodes } from './blind-nodes.ts';
import type { LeaderPorts } from './leader-ports.ts';
import { NodeLosses, type NodeLossesOptions } from './node-losses.ts';

export interface NodeDeskOptions extends NodeLossesOptions {
  readonly ports: Pick<LeaderPorts, 'reportNode' | 'probe'>;
  /** Whether any Service has the Pod. */
  readonly isSelected: (podUid: string) => boolean;
  /** Which signs of a node's end take its targets out ahead of its Pods. */
  readonly drainNodeOn: ReadonlySet<NodeSignKind>;
}

/** The nodes whose end is announced, or that nobody reaches, as far as a term acts on it. */
export class NodeDesk {
  readonly #options: NodeDeskOptions;
  readonly #losses: NodeLosses;
  readonly #blind: BlindNodes;
  /** What was told last of each node whose targets leave. */
  readonly #told = new Map<string, LeavingSign>();

  constructor(options: NodeDeskOptions) {
    this.#options = options;
    this.#losses = new NodeLosses(options);
    this.#blind = new BlindNodes(options);
    // What is silent already is not opened before neighbours were asked.
    this.#losses.look();
  }

  get losses(): Pick<NodeLosses, 'isHeld' | 'isLost' | 'lostNodes'> {
    return this.#losses;
  }

  /** Looks after silent nodes and blind agents until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#losses.run(signal), this.#blind.run(signal)]);
  }

  /** Whether nobody tells what becomes of the node's Pods. */
  isInDoubt = (node: string): boolean => this.#losses.isInDoubt(node) || this.#blind.isUnseen(node);

  /** Whether the node's agent is blind, and likely to see soon. */
  isSightAwaited = (node: string): boolean => this.#blind.isSightAwaited(node);

  /** The sign for which the node's targets leave ahead of its Pods. */
  signOf = (node: string): LeavingSign | undefined => {
    const { knowledge, drainNodeOn } = this.#options;
    // Its targets have nothing to wait for.
    if (this.#losses.isLost(node)) return UNREACHABLE;
    return leavingSign(knowledge.store.signsOf(node), drainNodeOn);
  };

  /** Tells on the node what becomes of its targets, if there are any. */
  look(node: string): void {
    const { knowledge, isSelected } = this.#options;
    const sign = this.signOf(node);
    const before = this.#told.get(node);
    if (sign?.kind === before?.kind) return;
    if (before === undefined && ![...knowledge.store.podUidsOf(node)].some(isSelected)) return;
    if (sign) this.#told.set(node, sign);
    else this.#told.delete(node);
    if (before?.kind === 'unreachable') this.#options.ports.reportNode(node, isBack(node));
    if (sign) this.#options.ports.reportNode(node, leaves(node, sign));
    else if (before?.kind !== 'unreachable') this.#options.ports.reportNode(node, stays(node));
  }
}

function leaves(node: string, { kind, detail }: LeavingSign): Problem {
  if (kind === 'unreachable') return isLost(node);
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

function isLost(node: string): Problem {
  return problem(
    'CD3005',
    `Node ${node}: its agent is silent and no other node reaches it. The targets of its Pods are taken to weight 0, as far ` +
      'as the brake and what else serves allow; they serve again as soon as the agent speaks, or soon after the kubelet does.',
  );
}

function isBack(node: string): Problem {
  return problem('CD3005', `Node ${node}: it is reached again. The targets of its Pods serve again.`);
}
