import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { ALERTS } from './alerts.ts';
import { rulesFile } from './rules-file.ts';

const ROOT = join(import.meta.dirname, '../..');
const INTERVAL = '15s';
const PROMTOOL_LACKS =
  spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0
    ? undefined
    : 'there is no promtool: apt-get install prometheus';

/** Samples every 15 s, in promtool's notation: `0+15x20` is 0, 15, … 300. */
type Input = Readonly<Record<string, string>>;

interface Fires {
  readonly when: string;
  readonly input: Input;
  readonly at: string;
  /** Beside the severity. */
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

interface Quiet {
  readonly when: string;
  readonly input: Input;
  readonly at: string;
}

interface Case {
  readonly fires: readonly Fires[];
  readonly quiet: readonly Quiet[];
}

const NS = { namespace: 'clb-direct' };

/** A sample of the instance in namespace `clb-direct`. */
function of(metric: string, labels = ''): string {
  return `clb_direct_${metric}{namespace="clb-direct"${labels === '' ? '' : `,${labels}`}}`;
}

const CASES: Readonly<Record<string, Case>> = {
  ClbDirectNoLeader: {
    fires: [
      {
        when: 'both replicas follow',
        input: { [of('leader', 'instance="a"')]: '1x4 0x20', [of('leader', 'instance="b"')]: '0x24' },
        at: '4m',
        labels: NS,
        summary: 'No coordinator leads: nothing changes at the load balancers.',
      },
      {
        when: 'no coordinator is scraped',
        input: { 'up{job="others"}': '1x20' },
        at: '3m',
        labels: {},
        summary: 'No coordinator leads: nothing changes at the load balancers.',
      },
    ],
    quiet: [
      {
        when: 'one leads',
        input: { [of('leader', 'instance="a"')]: '0x20', [of('leader', 'instance="b"')]: '1x20' },
        at: '4m',
      },
      {
        when: 'all of them only observe',
        input: { [of('leader', 'instance="a"')]: '0x20', [of('observing', 'instance="a"')]: '1x20' },
        at: '4m',
      },
      {
        when: 'the lease changes hands within 30 s',
        input: { [of('leader', 'instance="a"')]: '1x8 0 0 1x8' },
        at: '2m30s',
      },
    ],
  },
  ClbDirectCredentialsFailing: {
    fires: [
      {
        when: 'CLB goes on refusing the key',
        input: { [of('cloud_errors_total', 'code="CD2028"')]: '0+5x40' },
        at: '8m',
        labels: { ...NS, code: 'CD2028' },
        summary: 'Tencent Cloud does not take the key of clb-direct, or there is none (CD2028).',
      },
    ],
    quiet: [
      { when: 'it refused it once', input: { [of('cloud_errors_total', 'code="CD2028"')]: '0x8 1x40' }, at: '4m' },
      { when: 'other errors come', input: { [of('cloud_errors_total', 'code="CD2002"')]: '0+5x40' }, at: '8m' },
    ],
  },
  ClbDirectLaneStalled: {
    fires: [
      {
        when: 'the oldest operation grows old',
        input: { [of('lane_oldest_wait_seconds')]: '0+15x20' },
        at: '5m',
        labels: NS,
        summary: 'A change has waited for 5m 0s to be written to its load balancer.',
      },
    ],
    quiet: [
      {
        when: 'operations pass',
        input: { [of('lane_oldest_wait_seconds')]: '0 20 55 0 30 58 0 40 50 0x10' },
        at: '2m',
      },
      {
        when: 'nothing may be written',
        input: { [of('lane_oldest_wait_seconds')]: '0+15x20', [of('observing')]: '1x20' },
        at: '5m',
      },
      { when: 'one was late and went', input: { [of('lane_oldest_wait_seconds')]: '0x8 70 85 0x10' }, at: '2m30s' },
    ],
  },
  ClbDirectDrainsGivenUp: {
    fires: [
      {
        when: 'the first drains of a node are given up',
        input: {
          [of('agent_hook_answers_total', 'result="early",reason="connections-left",node="n1"')]: '0x80 2x80',
          [of('agent_hook_answers_total', 'result="early",reason="connections-left",node="n2"')]: '0x80 1x80',
        },
        at: '22m',
        labels: { ...NS, reason: 'connections-left' },
        summary: '3 preStop hooks were answered before the drain was complete (connections-left).',
      },
    ],
    quiet: [
      {
        when: 'drains are complete',
        input: { [of('agent_hook_answers_total', 'result="complete",reason="drained"')]: '0+3x80' },
        at: '15m',
      },
      {
        when: 'none is given up',
        input: { [of('agent_hook_answers_total', 'result="early",reason="no-leader"')]: '7x80' },
        at: '15m',
      },
    ],
  },
  ClbDirectGatesStuck: {
    fires: [
      {
        when: 'a health check never passes',
        input: { [of('oldest_closed_gate_seconds', 'reason="WaitingForHealthCheck"')]: '0+15x40' },
        at: '8m',
        labels: { ...NS, reason: 'WaitingForHealthCheck' },
        summary: 'A Pod waits for its load balancer since 8m 0s (WaitingForHealthCheck).',
      },
    ],
    quiet: [
      {
        when: 'an application takes long to start',
        input: { [of('oldest_closed_gate_seconds', 'reason="WaitingForPod"')]: '0+15x80' },
        at: '18m',
      },
      {
        when: 'gates open in time',
        input: { [of('oldest_closed_gate_seconds', 'reason="WaitingForHealthCheck"')]: '0+15x15 0+15x15' },
        at: '7m',
      },
    ],
  },
  ClbDirectMismatchLasting: {
    fires: [
      {
        when: 'a target stays missing',
        input: { [of('oldest_mismatch_seconds', 'kind="missing"')]: '0+15x60' },
        at: '15m',
        labels: { ...NS, kind: 'missing' },
        summary: 'A target is otherwise than wanted since 15m 0s (missing).',
      },
    ],
    quiet: [
      {
        when: 'differences are only observed',
        input: { [of('oldest_mismatch_seconds', 'kind="missing"')]: '0+15x60', [of('observing')]: '1x60' },
        at: '15m',
      },
      {
        when: 'differences are mended',
        input: { [of('oldest_mismatch_seconds', 'kind="weight"')]: '0+15x30 0+15x30' },
        at: '12m',
      },
    ],
  },
  ClbDirectBrakeHolding: {
    fires: [
      {
        when: 'the brake holds for long',
        input: { [of('held_targets', 'reason="brake"')]: '3x80' },
        at: '15m',
        labels: NS,
        summary: '3 targets are kept open by the brake although their Pods or nodes look bad.',
      },
    ],
    quiet: [
      { when: 'it held for a while', input: { [of('held_targets', 'reason="brake"')]: '3x30 0x30' }, at: '7m' },
      {
        when: 'the last open target is kept',
        input: { [of('held_targets', 'reason="last-open-target"')]: '1x80' },
        at: '15m',
      },
    ],
  },
  ClbDirectThrottled: {
    fires: [
      {
        when: 'CLB refuses a call a second',
        input: { [of('cloud_errors_total', 'code="CD2001"')]: '0+15x100' },
        at: '20m',
        labels: NS,
        summary: '1 calls per second are refused for the rate limit of the account.',
      },
    ],
    quiet: [
      { when: 'it refuses some', input: { [of('cloud_errors_total', 'code="CD2001"')]: '0+1x100' }, at: '20m' },
      {
        when: 'a rollout was throttled',
        input: { [of('cloud_errors_total', 'code="CD2001"')]: '0+15x8 120x60' },
        at: '5m',
      },
    ],
  },
  ClbDirectStreamsMissing: {
    fires: [
      {
        when: 'one replica misses a node for long',
        input: {
          [of('oldest_missing_agent_seconds', 'instance="a"')]: '0+15x40',
          [of('oldest_missing_agent_seconds', 'instance="b"')]: '0x40',
        },
        at: '10m',
        labels: NS,
        summary: 'A node has had no agent that reports for 10m 0s.',
      },
    ],
    quiet: [
      {
        when: 'agents are upgraded',
        input: { [of('oldest_missing_agent_seconds')]: '0 15 30 0 15 30 45 0x20' },
        at: '3m',
      },
    ],
  },
  ClbDirectUngatedPods: {
    fires: [
      {
        when: 'Pods without a gate stay',
        input: { [of('ungated_pods', 'instance="a"')]: '2x100', [of('ungated_pods', 'instance="b"')]: '0x100' },
        at: '20m',
        labels: NS,
        summary: '2 Pods behind load balancers have no readiness gate of clb-direct.',
      },
    ],
    quiet: [
      { when: 'a rollout replaces them', input: { [of('ungated_pods')]: '4x20 0x80' }, at: '5m' },
      { when: 'there are none', input: { [of('ungated_pods')]: '0x100' }, at: '20m' },
      {
        when: 'Pods are left as they are on purpose',
        input: { [of('ungated_pods')]: '2x100', [of('observing')]: '1x100' },
        at: '20m',
      },
    ],
  },
  ClbDirectCertificateExpiring: {
    fires: [
      {
        when: 'ten days are left',
        input: { [of('certificate_expiry_timestamp_seconds', 'certificate="serving"')]: '864000x600' },
        at: '2h',
        labels: { ...NS, certificate: 'serving' },
        summary: 'The serving certificate of the coordinators ends in 9d 22h 0m 0s.',
      },
    ],
    quiet: [
      {
        when: 'thirty days are left',
        input: { [of('certificate_expiry_timestamp_seconds', 'certificate="serving"')]: '2592000x600' },
        at: '2h',
      },
      {
        when: 'it was renewed',
        input: { [of('certificate_expiry_timestamp_seconds', 'certificate="serving"')]: '864000x220 7776000x380' },
        at: '50m',
      },
    ],
  },
};

/** What promtool finds wrong; empty when all is as expected. */
function promtool(name: string, tests: readonly object[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'clb-direct-alerts-'));
  try {
    writeFileSync(join(folder, 'rules.yaml'), rulesFile());
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, stringify({ rule_files: ['rules.yaml'], evaluation_interval: INTERVAL, tests }));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    return status === 0 ? '' : stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function testOf(alertname: string, { input, at }: Quiet, expected: readonly object[]): object {
  const series = Object.entries(input).map(([name, values]) => ({ series: name, values }));
  return {
    interval: INTERVAL,
    input_series: series,
    alert_rule_test: [{ eval_time: at, alertname, exp_alerts: expected }],
  };
}

describe.each(ALERTS.map(alert => [alert.name, alert] as const))('%s', (name, { severity, description }) => {
  const { fires, quiet } = CASES[name] ?? { fires: [], quiet: [] };

  test('has cases in which it fires and in which it does not', () => {
    expect(fires).not.toEqual([]);
    expect(quiet).not.toEqual([]);
  });

  test.for(fires)('fires when $when', (one, { skip }) => {
    if (PROMTOOL_LACKS !== undefined) skip(PROMTOOL_LACKS);
    const annotations = { summary: one.summary, description, runbook: `docs/runbooks/${name}.md` };
    const expected = { exp_labels: { severity, ...one.labels }, exp_annotations: annotations };
    expect(promtool(name, [testOf(name, one, [expected])])).toBe('');
  });

  test.for(quiet)('stays quiet when $when', (one, { skip }) => {
    if (PROMTOOL_LACKS !== undefined) skip(PROMTOOL_LACKS);
    expect(promtool(name, [testOf(name, one, [])])).toBe('');
  });

  test('has a runbook that says what it means, what it does to users, where to look and what to do', () => {
    const file = join(ROOT, 'docs/runbooks', `${name}.md`);
    expect(existsSync(file)).toBe(true);
    const headings = readFileSync(file, 'utf8').match(/^#+ .*$/gm);
    expect(headings).toEqual([`# ${name}`, '## Meaning', '## Impact', '## Check', '## Fix']);
  });
});

test('Prometheus takes the file of rules', ({ skip }) => {
  if (PROMTOOL_LACKS !== undefined) skip(PROMTOOL_LACKS);
  const file = join(ROOT, 'charts/clb-direct/files/rules.yaml');
  const { stdout } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  expect(stdout).toContain(`SUCCESS: ${ALERTS.length} rules found`);
});
