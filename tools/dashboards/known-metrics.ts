import { Registry } from 'prom-client';
import { prometheusMetrics } from '../../agent/prometheus-metrics.ts';
import { registerCloudGauges } from '../../coordinator/status/cloud-gauges.ts';
import { IDLE_STATE } from '../../coordinator/status/idle-state.fixture.ts';
import { CoordinatorMetrics } from '../../coordinator/status/metrics.ts';
import { registerProcessMetrics } from '../../coordinator/status/process-metrics.ts';
import { registerStateGauges } from '../../coordinator/status/state-gauges.ts';

/** A metric as its process describes it. */
export interface KnownMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labels: readonly string[];
}

export function agentMetrics(): readonly KnownMetric[] {
  const registry = new Registry();
  prometheusMetrics(registry, { nodeName: 'node', version: '0', startedAtMs: 0 });
  return metricsOf(registry).map(metric => ({ ...metric, labels: ['node', ...metric.labels] }));
}

export function coordinatorMetrics(): readonly KnownMetric[] {
  const { registry } = new CoordinatorMetrics();
  registerStateGauges(registry, () => IDLE_STATE);
  registerCloudGauges(registry, { rates: () => new Map(), waiting: () => 0 });
  registerProcessMetrics(registry, { startedAtMs: 0 });
  return metricsOf(registry);
}

function metricsOf(registry: Registry): KnownMetric[] {
  return registry.getMetricsAsArray().map(metric => {
    const { labelNames } = metric as unknown as { readonly labelNames: readonly string[] };
    const type = metric.constructor.name.toLowerCase();
    return { name: metric.name, help: metric.help, type, labels: labelNames.filter(label => label !== 'le') };
  });
}
