import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Upper bounds in seconds: from unnoticed to what costs a lease. */
const DELAY_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

export interface ProcessFacts {
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
}

/**
 * What the process costs, read when somebody scrapes. Not prom-client's own selection: that one wakes the process a hundred
 * times a second to watch the event loop.
 * @returns to be told how late timers fire
 */
export function registerProcessMetrics(registry: Registry, { startedAtMs }: ProcessFacts): (delayMs: number) => void {
  const registers = [registry];
  new Counter({
    name: 'clb_direct_process_cpu_seconds_total',
    help: 'User and system processor time used',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1_000_000);
    },
  });
  const gauges: readonly [name: string, help: string, read: () => number][] = [
    ['process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss()],
    ['process_heap_bytes', 'Memory that JavaScript objects use', () => process.memoryUsage().heapUsed],
    ['process_start_time_seconds', 'When the coordinator started, since the Unix epoch', () => startedAtMs / 1_000],
  ];
  for (const [name, help, read] of gauges) {
    new Gauge({
      name: `clb_direct_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
  const delay = new Histogram({
    name: 'clb_direct_event_loop_delay_seconds',
    help: 'How late a timer fired that looks once a second: what anything else of that moment had to wait',
    buckets: DELAY_BUCKETS,
    registers,
  });
  return delayMs => delay.observe(delayMs / 1_000);
}
