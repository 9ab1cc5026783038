import type { AgentMetrics } from '../metrics.ts';
import type { Meter } from './meter.ts';

/** From unnoticed to what the liveness check ends. */
const DELAY_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

/**
 * What the process costs. Not prom-client's own selection: that one wakes the process a hundred times a second to watch
 * the event loop, and looks at every collection of garbage.
 */
export function processMetrics(
  { histogram, scraped, total }: Meter,
  { startedAtMs, version }: { readonly startedAtMs: number; readonly version: string },
): Pick<AgentMetrics, 'eventLoopDelayed'> {
  total('process_cpu_seconds_total', 'User and system processor time used.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  });
  scraped('process_resident_memory_bytes', 'Resident memory, with the pages of programs that processes share.', gauge =>
    gauge.set(process.memoryUsage.rss()),
  );
  scraped('process_heap_bytes', 'Memory that JavaScript objects use.', gauge =>
    gauge.set(process.memoryUsage().heapUsed),
  );
  scraped('process_start_time_seconds', 'When the agent started, since the Unix epoch.', gauge =>
    gauge.set(startedAtMs / 1_000),
  );
  scraped('build_info', '1, with the version of the agent.', gauge => gauge.set({ version }, 1), 'version');
  const delay = histogram(
    'event_loop_delay_seconds',
    'How late a timer fired that looks once a second: what anything else of that moment had to wait.',
    DELAY_SECONDS,
  );
  return { eventLoopDelayed: delayMs => delay.observe(delayMs / 1_000) };
}
