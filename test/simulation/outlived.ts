import { DEFAULT_DRAIN_LIMITS } from '../../agent/drain/drain-limits.ts';
import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import type { Loss } from './model-client.ts';

const BUDGET_MS = DEFAULT_DRAIN_LIMITS.drainSecondsDefault * 1_000;

/**
 * Whether the request outlived the drain budget and its own application ended it on SIGTERM (law L4): its Pod's hook was
 * held to the budget's end, which a last open target may have begun late, waiting for its replacement.
 * `clockRate`: of the agent's clock, by which the budget is measured, at most.
 */
export function outlivedBudget(
  { at, reason, target }: Loss,
  records: readonly KubeletRecord[],
  clockRate = 1,
): boolean {
  if (reason !== 'reset by the server' || target === undefined) return false;
  const moments = records.filter(({ podIp, atMs }) => podIp === target && atMs <= at);
  const signalled = moments.findLast(({ type }) => type === 'signalled');
  const began = moments.findLast(({ type, podUid }) => type === 'preStopBegan' && podUid === signalled?.podUid);
  return signalled?.atMs === at && began !== undefined && (at - began.atMs) * clockRate >= BUDGET_MS;
}
