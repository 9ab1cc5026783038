import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import type { Breach } from './breach.ts';
import type { Evidence } from './evidence.ts';

/** What `clb-direct.io/drain-seconds` is when nobody sets it. */
const BUDGET_MS = 30_000;
/** For the way from the kubelet to the agent and back. */
const SLACK_MS = 500;

/** A process that hangs is ended by its liveness probe by then, and the hook with it. */
const HANG_MS = 10_000;

/** L4: every hook call was answered within the drain budget, whatever else was broken. */
export function hooksWithinBudget({ records, journal, harms, slownessMax = 1 }: Evidence): Breach[] {
  const open = new Map<string, KubeletRecord>();
  const exitedAt = new Map<string, number>();
  const found: Breach[] = [];
  const check = (began: KubeletRecord, endedAt: number) => {
    const heldMs = endedAt - began.atMs;
    const harm = harms?.({ ...began, address: began.podIp ?? '' }, began.atMs, endedAt);
    const hangMs = harm?.own || harm?.all ? HANG_MS : 0;
    if (heldMs <= BUDGET_MS * slownessMax + SLACK_MS + hangMs) return;
    found.push({ law: 'L4', message: `the hook call of ${began.podName} was held for ${heldMs} ms` });
  };
  for (const record of records) {
    if (record.type === 'preStopBegan') open.set(record.containerId, record);
    if (record.type === 'exited') exitedAt.set(record.containerId, record.atMs);
    if (record.type !== 'preStopEnded') continue;
    const began = open.get(record.containerId);
    open.delete(record.containerId);
    if (began) check(began, record.atMs);
  }
  const endAt = Math.max(records.at(-1)?.atMs ?? 0, journal.at(-1)?.at ?? 0);
  // A machine that loses its power takes the kubelet along, which tells of no end.
  for (const [containerId, began] of open) check(began, exitedAt.get(containerId) ?? endAt);
  return found;
}
