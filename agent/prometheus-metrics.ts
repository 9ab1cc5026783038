import type { Registry } from 'prom-client';
import { drainMetrics } from './metrics/drain-metrics.ts';
import { meter } from './metrics/meter.ts';
import { nodeMetrics } from './metrics/node-metrics.ts';
import { podMetrics } from './metrics/pod-metrics.ts';
import { processMetrics } from './metrics/process-metrics.ts';
import { reportMetrics } from './metrics/report-metrics.ts';
import { runtimeMetrics } from './metrics/runtime-metrics.ts';
import type { AgentMetrics } from './metrics.ts';

export interface AgentProcess {
  readonly nodeName: string;
  readonly version: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
}

/** The agent's metrics in a registry of its own, each with the label `node`. */
export function prometheusMetrics(registry: Registry, agent: AgentProcess): AgentMetrics {
  registry.setDefaultLabels({ node: agent.nodeName });
  const instruments = meter(registry);
  return {
    ...podMetrics(instruments),
    ...reportMetrics(instruments),
    ...drainMetrics(instruments),
    ...runtimeMetrics(instruments),
    ...nodeMetrics(instruments),
    ...processMetrics(instruments, agent),
  };
}
