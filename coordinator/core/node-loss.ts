/** What the API server says of a node. */
export type NodeObject = 'ready' | 'not-ready' | 'gone' | 'unknown';

/** What came of one try to connect, in the words of `ProbeOutcome`. */
export type Reach = 'connected' | 'refused' | 'timed-out' | 'unreachable' | 'declined' | 'unanswered';

/** What is known of a node whose agents do not speak. */
export interface SilentNode {
  readonly object: NodeObject;
  /** An agent of the node has spoken before: its silence says something. */
  readonly hasSpoken: boolean;
  /** Of each neighbour that was asked, what came of its tries: the kubelet's port, and a port of one of its Pods. */
  readonly tries: readonly (readonly Reach[])[];
}

/** `undecided`: nobody who could know has said anything. */
export type NodeVerdict = 'lost' | 'alive' | 'undecided';

/** With an agent that has fallen silent, so many neighbours have to agree. */
const NEIGHBOURS_MIN = 2;
/** Nodes that fall silent within this time may have the same cause. */
export const BURST_WINDOW_MS = 30_000;
const BURST_NODES_MIN = 3;
const BURST_SHARE = 0.2;

/**
 * Whether a silent node is lost: silence alone proves nothing (law L1), so somebody else has to say so too. Whoever gets
 * any answer from it, and be it a refusal, shows that it lives.
 */
export function nodeVerdict({ object, hasSpoken, tries }: SilentNode): NodeVerdict {
  if (tries.flat().some(isAnswer)) return 'alive';
  if (object === 'gone' && hasSpoken) return 'lost';
  const unreached = tries.filter(isInVain).length;
  const isDoubted = object === 'not-ready' || object === 'gone';
  if (unreached >= (isDoubted ? 1 : NEIGHBOURS_MIN) && (isDoubted || hasSpoken)) return 'lost';
  return 'undecided';
}

function isAnswer(reach: Reach): boolean {
  return reach === 'connected' || reach === 'refused';
}

/** A neighbour counts when it has tried all that it was asked to, and nothing answered. */
function isInVain(reaches: readonly Reach[]): boolean {
  return reaches.length > 0 && reaches.every(reach => reach === 'timed-out' || reach === 'unreachable');
}

/**
 * Whether so many nodes fell silent together that the fault is ours or the network's. It stays so until enough of them
 * speak again, however long it takes.
 * @param silentSince of all nodes that are silent now, in any order
 * @param knownNodes how many nodes there are
 */
export function isOwnFault(silentSince: readonly number[], knownNodes: number): boolean {
  const countMax = Math.max(BURST_NODES_MIN, Math.floor(knownNodes * BURST_SHARE));
  const sorted = [...silentSince].sort((a, b) => a - b);
  return sorted.some((since, index) => {
    const last = sorted[index + countMax];
    return last !== undefined && last - since <= BURST_WINDOW_MS;
  });
}
