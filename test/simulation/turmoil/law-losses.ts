import type { KubeletRecord } from '../../../sandbox/kube/kubelet/kubelet-record.ts';
import type { Breach } from '../breach.ts';
import type { PodPlace } from '../evidence.ts';
import type { Loss } from '../model-client.ts';
import { outlivedBudget } from '../outlived.ts';
import type { Episode } from './episodes.ts';

/** A drain that began while something was wrong may be given up so much later, and what it left open lasts so long. */
const AFTERMATH_MS = 60_000;

export interface LossEvidence {
  readonly losses: readonly Loss[];
  readonly records: readonly KubeletRecord[];
  readonly episodes: readonly Episode[];
}

export interface LossVerdict {
  /** Lost because of something that no system bears. */
  readonly excused: number;
  readonly breaches: readonly Breach[];
}

/** L2 and L4 as clients feel them: whatever is lost has its reason in something that happened to its Pod. */
export function judgeLosses({ losses, records, episodes }: LossEvidence): LossVerdict {
  const holders = holdersOf(records);
  const isExcused = (loss: Loss) => {
    const pod =
      loss.target === undefined ? undefined : holders.get(loss.target)?.findLast(({ at }) => at <= loss.at)?.pod;
    return outlivedBudget(loss, records) || episodes.some(episode => mayHaveCost(episode, loss, pod));
  };
  const unexcused = losses.filter(loss => !isExcused(loss));
  const breaches = unexcused.map(({ at, reason, target }) => ({
    law: target === undefined ? 'L2' : 'L4',
    message: `a request was lost at ${at} (${reason}${target === undefined ? ', no target' : `, ${target}`}), and nothing that happened excuses it`,
  }));
  return { excused: losses.length - unexcused.length, breaches };
}

function mayHaveCost({ kind, begun, from, to }: Episode, { at }: Loss, pod: PodPlace | undefined): boolean {
  if (kind.isBearable || at < from || at > to + AFTERMATH_MS) return false;
  return pod === undefined || (begun.harms?.(pod) ?? true);
}

/** Who had an address from when on. */
function holdersOf(records: readonly KubeletRecord[]): ReadonlyMap<string, { at: number; pod: PodPlace }[]> {
  const found = new Map<string, { at: number; pod: PodPlace }[]>();
  for (const { type, podIp, podName, podUid, nodeName, atMs } of records) {
    if (type !== 'addressAssigned' || podIp === undefined) continue;
    const known = found.get(podIp) ?? [];
    found.set(podIp, known);
    known.push({ at: atMs, pod: { podName, podUid, nodeName, address: podIp } });
  }
  return found;
}
