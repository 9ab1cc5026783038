import type { AgentMetrics } from '../metrics.ts';
import type { Meter } from './meter.ts';

export function runtimeMetrics({ counter }: Meter): Pick<AgentMetrics, 'runtimeFailed'> {
  const failures = counter('runtime_errors_total', 'Questions to the container runtime that failed.');
  return { runtimeFailed: () => failures.inc() };
}
