import { Counter, Histogram, type Registry } from 'prom-client';
import { beforeEach, describe, expect, test } from 'vitest';
import { x509Issuer } from '../webhook/x509-issuer.ts';
import { registerCloudGauges } from './cloud-gauges.ts';
import { IDLE_STATE } from './idle-state.fixture.ts';
import { CoordinatorMetrics } from './metrics.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import { registerStateGauges } from './state-gauges.ts';

/** Every label there may be, and how many values it may have. None is a Pod, a rule, a load balancer or a node. */
const VALUES_OF_LABEL: Readonly<Record<string, number>> = {
  /** Actions of CLB's API that the code calls. */
  action: 30,
  code: 45,
  certificate: 2,
  edge: 2,
  hook: 3,
  kind: 5,
  mode: 3,
  outcome: 4,
  priority: 6,
  queue: 10,
  reason: 15,
  /** `ok`, and the codes of docs/errors.md that calls end in. */
  result: 45,
  sign: 7,
  stage: 6,
  state: 7,
};
/** As docs/operations.md says. */
const SERIES_MAX = 4_500;

let metrics: CoordinatorMetrics;

beforeEach(() => {
  metrics = new CoordinatorMetrics();
});

function registryOfReplica(): Registry {
  const { registry } = new CoordinatorMetrics();
  registerStateGauges(registry, () => IDLE_STATE);
  registerCloudGauges(registry, { rates: () => new Map(), waiting: () => 0 });
  registerProcessMetrics(registry, { startedAtMs: 0 });
  return registry;
}

async function samples(): Promise<string[]> {
  return (await metrics.registry.metrics()).split('\n');
}

describe('each metric', () => {
  const described = () => registryOfReplica().getMetricsAsArray();

  test.each(described().map(metric => [metric.name, metric] as const))(
    '%s has a help text, a base unit and labels with few values',
    (name, metric) => {
      expect(metric.help).toMatch(/^.{10,}[^.]$/);
      expect(name).toMatch(/^clb_direct_[a-z]+(_[a-z]+)*$/);
      expect(name).not.toMatch(/_(ms|milliseconds|kib|mib|percent)(_total)?$/);
      expect(name.endsWith('_total')).toBe(metric instanceof Counter);
      if (metric instanceof Histogram) expect(name).toMatch(/_(seconds|bytes|targets)$/);
      for (const label of labelsOf(metric)) expect(Object.keys(VALUES_OF_LABEL)).toContain(label);
    },
  );

  test('has a bounded number of series, whatever the size of the cluster', () => {
    const seriesOf = (metric: object) => {
      const combinations = labelsOf(metric).reduce((product, label) => product * (VALUES_OF_LABEL[label] ?? 0), 1);
      const buckets = (metric as { readonly upperBounds?: readonly number[] }).upperBounds;
      // The infinite bucket, the sum and the count.
      return combinations * (buckets ? buckets.length + 3 : 1);
    };
    const sum = described().reduce((series, metric) => series + seriesOf(metric), 0);
    expect(sum).toBeGreaterThan(500);
    expect(sum).toBeLessThanOrEqual(SERIES_MAX);
  });
});

function labelsOf(metric: object): readonly string[] {
  const { labelNames } = metric as { readonly labelNames: readonly string[] };
  return labelNames.filter(label => label !== 'le');
}

test('a call of CLB counts with its result, its wait for the rate limit and its time', async () => {
  metrics.cloudCall({ action: 'BatchRegisterTargets', outcome: 'CD2001', durationMs: 350, waitedMs: 1_200 });
  metrics.cloudTask({ action: 'BatchModifyTargetWeight', durationMs: 700 });
  expect(await samples()).toEqual(
    expect.arrayContaining([
      'clb_direct_cloud_calls_total{action="BatchRegisterTargets",result="CD2001"} 1',
      'clb_direct_cloud_errors_total{code="CD2001"} 1',
      'clb_direct_cloud_errors_total{code="CD2002"} 0',
      'clb_direct_cloud_call_duration_seconds_sum{action="BatchRegisterTargets"} 0.35',
      'clb_direct_cloud_call_wait_seconds_sum{action="BatchRegisterTargets"} 1.2',
      'clb_direct_cloud_task_duration_seconds_sum{action="BatchModifyTargetWeight"} 0.7',
    ]),
  );
});

test('a write counts once with its size, and each of its targets with its wait', async () => {
  const wait = { priority: 'register', waitedMs: 40 } as const;
  metrics.wrote('register', [wait, wait, { ...wait, waitedMs: 900 }]);
  expect(await samples()).toEqual(
    expect.arrayContaining([
      'clb_direct_batch_size_targets_sum{kind="register"} 3',
      'clb_direct_batch_size_targets_count{kind="register"} 1',
      'clb_direct_lane_wait_seconds_bucket{le="0.05",priority="register"} 2',
      'clb_direct_lane_wait_seconds_count{priority="register"} 3',
    ]),
  );
});

test('a way in counts as a whole only when a load balancer serves the Pod', async () => {
  metrics.podEntered([{ stage: 'merged', durationMs: 5 }]);
  metrics.podEntered([
    { stage: 'merged', durationMs: 5 },
    { stage: 'accepted', durationMs: 400 },
    { stage: 'containers-ready', durationMs: 0 },
    { stage: 'healthy', durationMs: 10_000 },
    { stage: 'open', durationMs: 500 },
    { stage: 'gate', durationMs: 95 },
  ]);
  expect(await samples()).toEqual(
    expect.arrayContaining([
      'clb_direct_pod_entry_stage_seconds_count{stage="merged"} 2',
      'clb_direct_pod_entry_stage_seconds_sum{stage="healthy"} 10',
      'clb_direct_pod_entry_seconds_count 1',
      'clb_direct_pod_entry_seconds_sum 11',
    ]),
  );
});

test('a way out whose hook was answered before all was done counts as early', async () => {
  metrics.podLeft([
    { stage: 'hook', durationMs: 50 },
    { stage: 'weight-zero', durationMs: 350 },
  ]);
  expect(await samples()).toEqual(
    expect.arrayContaining([
      'clb_direct_pod_exit_seconds_count{result="early"} 1',
      'clb_direct_pod_exit_stage_seconds_sum{stage="weight-zero"} 0.35',
      'clb_direct_pod_exit_stage_seconds_count{stage="deregistered"} 0',
    ]),
  );
});

test('gates, drains, refused streams and admissions are counted', async () => {
  metrics.gateOpened(700);
  metrics.drainFinished(2_500);
  metrics.drainAnswered('connections-left');
  metrics.streamTurnedAway('unauthenticated');
  metrics.admission({ result: 'injected', hookMode: 'sleep' }, 2);
  expect(await samples()).toEqual(
    expect.arrayContaining([
      'clb_direct_gate_open_delay_seconds_sum 0.7',
      'clb_direct_drain_duration_seconds_sum 2.5',
      'clb_direct_drain_answers_total{reason="connections-left"} 1',
      'clb_direct_drain_answers_total{reason="drained"} 0',
      'clb_direct_report_streams_turned_away_total{reason="unauthenticated"} 1',
      'clb_direct_webhook_admissions_total{result="injected"} 1',
      'clb_direct_webhook_injected_hooks_total{mode="sleep"} 1',
      'clb_direct_webhook_injected_hooks_total{mode="redirect"} 0',
    ]),
  );
});

test('the differences of audits are those of the last audit of each load balancer', async () => {
  const difference = { kind: 'foreign', key: 'lbl-1||10.0.0.1|80', place: undefined } as never;
  metrics.audited({ loadBalancerId: 'lb-1', differences: [difference, difference] });
  metrics.audited({ loadBalancerId: 'lb-2', differences: [difference] });
  metrics.audited({ loadBalancerId: 'lb-1', differences: [] });
  expect(await samples()).toEqual(
    expect.arrayContaining(['clb_direct_audit_differences 1', 'clb_direct_unexpected_targets_total{kind="foreign"} 3']),
  );
});

test('certificates are told with the moment at which they end', async () => {
  const issuer = x509Issuer();
  const validity = (notAfterMs: number) => ({ notBeforeMs: 0, notAfterMs });
  const authority = await issuer.issueAuthority(validity(2_000_000_000_000));
  const serving = await issuer.issueServing(authority, ['coordinator'], validity(1_900_000_000_000));
  metrics.certificates({ ...serving, caPem: authority.certificatePem });
  expect(await samples()).toEqual(
    expect.arrayContaining([
      'clb_direct_certificate_expiry_timestamp_seconds{certificate="serving"} 1900000000',
      'clb_direct_certificate_expiry_timestamp_seconds{certificate="authority"} 2000000000',
    ]),
  );
});
