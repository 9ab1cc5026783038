import type { PodRecord } from '../../common/pod-record.ts';
import type { Drain, DrainLedger } from './drain-ledger.ts';
import { type LeavingSign, leavingSign, type NodeSignKind, UNREACHABLE } from './node-sign.ts';
import type { ReportStore, Tombstone } from './report-store.ts';
import { type Rule, selects } from './rule.ts';

/** One Pod with everything a decision needs. */
export interface PodView {
  readonly record: PodRecord;
  readonly node: string;
  readonly firstSeenAt: number;
  readonly deletionSeenAt: number | undefined;
  /** The API server agreed with what the agent said of it (law L12): needed to open, never to close. */
  readonly confirmed: boolean;
  /**
   * The API server has it on this node, has it no more, or cannot be asked. Until then what the node's agent says of it
   * takes nothing away: another node's may claim it, and its own be silent (law L12).
   */
  readonly isPlaced: boolean;
  /** Two nodes claim it: nothing said of it is acted on before the API server has told which has it (law L12). */
  readonly isDisputed: boolean;
  readonly drain: Drain | undefined;
  /** The cloud's name of the node, when the Pod is in the host's network and the node's name is known. */
  readonly instanceId: string | undefined;
  /** What announces the end of its node, if that is a reason to take its targets out ahead of its eviction. */
  readonly nodeSign: LeavingSign | undefined;
  /** Nobody tells what becomes of its node's Pods: as long, nothing of them is opened, and what is open stays so. */
  readonly isNodeInDoubt: boolean;
  /** Its node's agent will learn of it soon, and holds none of its hooks before: as long, it is not opened (law L4). */
  readonly isUnheld: boolean;
}

export type PodsByUid = Pick<ReadonlyMap<string, PodView>, 'get' | 'values'>;

/** The merged, read-only result of all reports. */
export interface ClusterView {
  readonly pods: PodsByUid;
  /** The Pods that the rule's selector picks in its Service's namespace. */
  podsSelectedBy(rule: Pick<Rule, 'service' | 'selector'>): readonly PodView[];
  tombstone(podUid: string): Tombstone | undefined;
  /** Whether there are nodes of whose Pods nobody has told yet, as under a fresh leader; not unless told. */
  isPartial?(): boolean;
  /** Whether new Pods may have come of which nobody tells, as behind a blind agent; not unless told. */
  hasUnseenNodes?(): boolean;
}

export interface ClusterViewInput {
  readonly store: ReportStore;
  readonly drains: DrainLedger;
  /** UIDs that the API server confirmed. */
  readonly confirmed: ReadonlySet<string>;
  /** Which signs of a node's end are acted on; none unless told. */
  readonly drainNodeOn?: ReadonlySet<NodeSignKind>;
  /** Nodes that nobody reaches. */
  readonly lostNodes?: ReadonlySet<string>;
  /** Nodes of whose Pods nobody tells. */
  readonly doubtedNodes?: ReadonlySet<string>;
}

const NONE: ReadonlySet<never> = new Set();

export function clusterView(input: ClusterViewInput): ClusterView {
  const pods = new Map<string, PodView>();
  const podsByNamespace = new Map<string, PodView[]>();
  for (const [uid, stored] of input.store.pods) {
    const drain = input.drains.get(uid);
    const view: PodView = {
      ...stored,
      confirmed: input.confirmed.has(uid),
      isPlaced: input.store.isPlaced(uid),
      isDisputed: input.store.isDisputed(uid),
      // An agent may hold hooks only of its own node's Pods (law L12).
      drain: drain?.node === stored.node ? drain : undefined,
      instanceId: undefined,
      nodeSign: input.lostNodes?.has(stored.node)
        ? UNREACHABLE
        : leavingSign(input.store.signsOf(stored.node), input.drainNodeOn ?? NONE),
      isNodeInDoubt: input.doubtedNodes?.has(stored.node) ?? false,
      isUnheld: false,
    };
    pods.set(uid, view);
    const neighbours = podsByNamespace.get(stored.record.namespace);
    if (neighbours) neighbours.push(view);
    else podsByNamespace.set(stored.record.namespace, [view]);
  }
  return {
    pods,
    podsSelectedBy: rule =>
      (podsByNamespace.get(rule.service.namespace) ?? []).filter(pod => selects(rule, pod.record)),
    tombstone: uid => input.store.tombstone(uid),
  };
}
