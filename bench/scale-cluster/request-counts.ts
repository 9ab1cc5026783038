import type { AuditedRequest } from '../../test/cluster/audit-log.ts';

/** Wall milliseconds; the end is not in it. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Requests that came in the window, by `ACCOUNT VERB RESOURCE`, most first. Watches are left out: they last. */
export function requestCounts(requests: readonly AuditedRequest[], { fromMs, toMs }: Window): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { atMs, serviceAccount, deed } of requests) {
    if (atMs < fromMs || atMs >= toMs || deed.verb === 'watch') continue;
    const kind = `${serviceAccount} ${deed.verb} ${deed.resource}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return new Map([...counts].toSorted(([, a], [, b]) => b - a));
}

export function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
