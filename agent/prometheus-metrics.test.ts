import { Counter, Histogram, Registry } from 'prom-client';
import { beforeEach, describe, expect, test } from 'vitest';
import { PodPhase, type PodRecord } from '../common/pod-record.ts';
import { podRecord } from '../common/pods/pod.fixture.ts';
import type { AgentMetrics } from './metrics.ts';
import { prometheusMetrics } from './prometheus-metrics.ts';
import type { StreamStatus } from './report/stream-status.ts';

/** Every label there may be, and why its values are few. None is a Pod, an address of one, or what a caller says. */
const BOUNDED_LABELS: Readonly<Record<string, string>> = {
  coordinator: 'addresses the agent keeps a stream to, sixteen at most; the series goes with the stream',
  kind: 'words of the source code',
  outcome: 'words of the source code',
  peer_kind: 'words of the source code',
  reason: 'words of the source code',
  result: 'words of the source code',
  stage: 'words of the source code',
  state: 'words of the source code',
  type: 'words of the source code',
  version: 'one',
};

let registry: Registry;
let metrics: AgentMetrics;

beforeEach(() => {
  registry = new Registry();
  metrics = prometheusMetrics(registry, { nodeName: 'node1', version: '1.2.3', startedAtMs: 1_000 });
});

/** The samples of one metric, without the label that all have. */
async function samplesOf(name: string): Promise<string[]> {
  const lines = (await registry.getSingleMetricAsString(name)).split('\n').filter(line => line.startsWith(name));
  return lines.map(line => line.slice(name.length).replace(/,?node="node1"/, ''));
}

describe('each metric', () => {
  const described = () => {
    const fresh = new Registry();
    prometheusMetrics(fresh, { nodeName: 'n', version: '1', startedAtMs: 0 });
    return fresh.getMetricsAsArray().map(metric => [metric.name, metric] as const);
  };

  test.each(described())('%s has a help text, a base unit and labels with few values', (name, metric) => {
    expect(metric.help).toMatch(/^.{10,}\.$/);
    expect(name).toMatch(/^clb_direct_agent_[a-z]+(_[a-z]+)*$/);
    expect(name).not.toMatch(/_(ms|milliseconds|kib|mib|percent)(_total)?$/);
    expect(name.endsWith('_total')).toBe(metric instanceof Counter);
    if (metric instanceof Histogram) expect(name).toMatch(/_(seconds|bytes)$/);
    const { labelNames } = metric as unknown as { readonly labelNames: readonly string[] };
    for (const label of labelNames.filter(label => label !== 'le'))
      expect(Object.keys(BOUNDED_LABELS)).toContain(label);
  });
});

test('every sample carries the node', async () => {
  metrics.streamFailed('broken');
  metrics.podMessageAcknowledged(12);
  const samples = (await registry.metrics()).split('\n').filter(line => line !== '' && !line.startsWith('#'));
  expect(samples.length).toBeGreaterThan(20);
  for (const sample of samples) expect(sample).toContain('node="node1"');
});

test('Pods are counted by network and state, as they are when scraped', async () => {
  const attached = { attached: true, reason: '' };
  let records: PodRecord[] = [
    podRecord({ uid: 'a', eni: attached, phase: PodPhase.RUNNING, ready: true }),
    podRecord({ uid: 'b', eni: attached, phase: PodPhase.RUNNING, ready: false }),
    podRecord({ uid: 'c', eni: attached, deletion: { seenAtMs: 1, gracePeriodSeconds: 30 } }),
    podRecord({ uid: 'd', hostNetwork: true, phase: PodPhase.PENDING }),
    podRecord({ uid: 'e', eni: undefined, phase: PodPhase.SUCCEEDED }),
    podRecord({ uid: 'f', eni: undefined, phase: PodPhase.FAILED }),
  ];
  metrics.observePods(() => records);
  expect(await samplesOf('clb_direct_agent_pods')).toEqual([
    '{kind="eni",state="ready"} 1',
    '{kind="eni",state="not-ready"} 1',
    '{kind="eni",state="deleting"} 1',
    '{kind="host-network",state="pending"} 1',
    '{kind="other",state="finished"} 2',
  ]);
  records = [];
  expect(await samplesOf('clb_direct_agent_pods')).toEqual([]);
});

test('the series of a coordinator go when its address does', async () => {
  let statuses: StreamStatus[] = [
    { address: '10.9.0.1:9443', state: 'leading', welcomedForMs: 61_500 },
    { address: '10.9.0.2:9443', state: 'waiting', welcomedForMs: undefined },
  ];
  metrics.observeStreams(() => statuses);
  expect(await samplesOf('clb_direct_agent_report_stream_state')).toEqual([
    '{coordinator="10.9.0.1:9443",state="leading"} 1',
    '{coordinator="10.9.0.2:9443",state="waiting"} 1',
  ]);
  expect(await samplesOf('clb_direct_agent_report_stream_age_seconds')).toEqual(['{coordinator="10.9.0.1:9443"} 61.5']);
  statuses = [];
  expect(await samplesOf('clb_direct_agent_report_stream_state')).toEqual([]);
});

test('times are seconds and sizes bytes', async () => {
  metrics.podMessageAcknowledged(30);
  metrics.eventLoopDelayed(4);
  metrics.podMessageSent('delta', {
    message: { $case: 'delta', value: { sequence: 1, upserts: [podRecord({ uid: 'x'.repeat(300) })], removals: [] } },
  });
  expect(await samplesOf('clb_direct_agent_report_lag_seconds')).toContain('_sum{} 0.03');
  expect(await samplesOf('clb_direct_agent_event_loop_delay_seconds')).toContain('_bucket{le="0.005"} 1');
  expect(await samplesOf('clb_direct_agent_report_message_bytes')).toContain('_bucket{le="256",type="delta"} 0');
  expect(await samplesOf('clb_direct_agent_report_message_bytes')).toContain('_bucket{le="1024",type="delta"} 1');
});

test('what the process costs is read when scraped', async () => {
  const [resident] = await samplesOf('clb_direct_agent_process_resident_memory_bytes');
  expect(Number(resident?.split(' ')[1])).toBeGreaterThan(10_000_000);
  const [cpu] = await samplesOf('clb_direct_agent_process_cpu_seconds_total');
  expect(Number(cpu?.split(' ')[1])).toBeGreaterThan(0);
  const [later] = await samplesOf('clb_direct_agent_process_cpu_seconds_total');
  expect(Number(later?.split(' ')[1])).toBeGreaterThanOrEqual(Number(cpu?.split(' ')[1]));
  expect(await samplesOf('clb_direct_agent_build_info')).toEqual(['{version="1.2.3"} 1']);
});
