import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { ReportEvent } from '../../coordinator/reports/report-event.ts';
import type { ReportServers } from './report-servers.ts';

const LIMIT_MS = 30_000;

/**
 * When the first coordinator hears something that fits. One such question at a time.
 * @throws DeadlineExceededError after 30 s, naming `what`.
 */
export async function heard(
  clock: Clock,
  reports: ReportServers,
  what: string,
  fits: (event: ReportEvent) => boolean,
): Promise<number> {
  using limit = deadline(clock, what, LIMIT_MS, new AbortController().signal);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true });
  reports.onHeard = ({ atMs, event }) => {
    if (fits(event)) resolve(atMs);
  };
  return await promise;
}
