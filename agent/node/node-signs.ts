import { type NodeNotice, type NodeSign, NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';
import type { Sign } from './sign-source.ts';

/** Signs after which the machine is going to be gone, whatever happens. */
const ENDING: ReadonlySet<NodeSignKind> = new Set([
  NodeSignKind.SHUTDOWN,
  NodeSignKind.SPOT_TERMINATION,
  NodeSignKind.TO_BE_DELETED,
]);
/** Signs of one source that are kept; a Node with more taints of ours than this tells nothing new. */
const SIGNS_PER_SOURCE_MAX = 16;
/** Characters of a sign's detail. */
const DETAIL_MAX = 256;

/** The latest word of each source, by its name. */
export type SignsBySource = ReadonlyMap<string, readonly NodeSign[]>;

/** Takes all signs of one source, which replace those before. A sign that stays keeps the time at which it was first seen. */
export function withSigns(
  known: SignsBySource,
  { source, signs, wallNowMs }: { source: string; signs: readonly Sign[]; wallNowMs: number },
): SignsBySource {
  const before = known.get(source) ?? [];
  const stamped = signs.slice(0, SIGNS_PER_SOURCE_MAX).map(({ kind, detail }) => {
    const seenAtMs = before.find(sign => sign.kind === kind)?.seenAtMs ?? wallNowMs;
    return { kind, detail: detail.slice(0, DETAIL_MAX), seenAtMs };
  });
  return new Map(known).set(source, stamped);
}

/** Everything that announces the node's end now: of each kind the first seen, in the order of the kinds. */
export function noticeOf(known: SignsBySource): NodeNotice {
  const byKind = new Map<NodeSignKind, NodeSign>();
  for (const sign of [...known.values()].flat()) {
    const other = byKind.get(sign.kind);
    if (!other || sign.seenAtMs < other.seenAtMs) byKind.set(sign.kind, sign);
  }
  return { signs: [...byKind.values()].sort((a, b) => a.kind - b.kind) };
}

/** Whether the node ends for certain: it shuts down, or its owner takes it away. */
export function isEnding({ signs }: NodeNotice): boolean {
  return signs.some(({ kind }) => ENDING.has(kind));
}
