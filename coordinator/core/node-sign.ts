/** What can announce the end of a node, as the flag `--drain-node-on` names it. */
export const NODE_SIGN_KINDS = [
  'shutdown',
  'spot-termination',
  'to-be-deleted',
  'deletion-candidate',
  'out-of-service',
  'not-ready',
  'cordoned',
] as const;
export type NodeSignKind = (typeof NODE_SIGN_KINDS)[number];

/** Something that announces the end of a node, by its agent's word. */
export interface NodeSign {
  readonly kind: NodeSignKind;
  /** What the source says, for people: a taint's value, a time of termination. */
  readonly detail: string;
  /** When the agent first saw it, milliseconds since the Unix epoch. */
  readonly seenAtMs: number;
}

/** Why the targets of a node leave ahead of its Pods: its end is announced, or nobody reaches it. */
export type LeavingSign = NodeSign | typeof UNREACHABLE;

/** By the coordinator's own finding (`nodeVerdict`). */
export const UNREACHABLE = { kind: 'unreachable', detail: '' } as const;

/** Each kind once, as it was first seen, in the order of `NODE_SIGN_KINDS`. */
export function mergeSigns(notices: Iterable<readonly NodeSign[]>): readonly NodeSign[] {
  const told = [...notices].flat().sort((a, b) => a.seenAtMs - b.seenAtMs);
  return NODE_SIGN_KINDS.flatMap(kind => told.find(sign => sign.kind === kind) ?? []);
}

/** The sign for which the node's targets leave ahead of its Pods; undefined when they stay. */
export function leavingSign(signs: readonly NodeSign[], drainNodeOn: ReadonlySet<NodeSignKind>): NodeSign | undefined {
  return signs.find(({ kind }) => drainNodeOn.has(kind));
}
