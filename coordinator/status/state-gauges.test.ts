import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { IDLE_STATE } from './idle-state.fixture.ts';
import { registerStateGauges, type StateGauges } from './state-gauges.ts';

async function scrape(...states: readonly Partial<StateGauges>[]): Promise<string[]> {
  const registry = new Registry();
  const left = states.map(state => ({ ...IDLE_STATE, ...state }));
  registerStateGauges(registry, () => left.shift() ?? IDLE_STATE);
  let text = '';
  for (const _ of states) text = await registry.metrics();
  return text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
}

test('times are seconds, and kinds that there are none of are 0', async () => {
  const samples = await scrape({
    leading: true,
    observing: true,
    paused: 2,
    intended: new Map([['register', 4]]),
    hasLeader: true,
    leaseLeftMs: 8_500,
    sessionAgesMs: [5_000, 60_000, 1_500],
    nodes: 4,
    silentForMs: [12_000],
    queued: new Map([['close', 3]]),
    oldestWaitMs: 250,
    held: new Map([['brake', 1]]),
    announced: new Map([['shutdown', 2]]),
    mismatched: new Map([['missing', { count: 2, oldestMs: 61_000 }]]),
    gateWaits: new Map([['WaitingForHealthCheck', { count: 7, oldestMs: 4_000 }]]),
    isLossHeld: true,
    targets: new Map([['Serving', 12]]),
    fullestRuleRatio: 0.25,
  });
  expect(samples).toEqual(
    expect.arrayContaining([
      'clb_direct_leader 1',
      'clb_direct_leader_known 1',
      'clb_direct_observing 1',
      'clb_direct_paused_objects 2',
      'clb_direct_intended_changes{kind="register"} 4',
      'clb_direct_intended_changes{kind="listeners"} 0',
      'clb_direct_lease_remaining_seconds 8.5',
      'clb_direct_agent_sessions 3',
      'clb_direct_agent_session_age_seconds{edge="youngest"} 1.5',
      'clb_direct_agent_session_age_seconds{edge="oldest"} 60',
      'clb_direct_nodes 4',
      'clb_direct_nodes_without_agent 1',
      'clb_direct_oldest_missing_agent_seconds 12',
      'clb_direct_lane_queue_depth{priority="close"} 3',
      'clb_direct_lane_queue_depth{priority="open"} 0',
      'clb_direct_lane_oldest_wait_seconds 0.25',
      'clb_direct_held_targets{reason="brake"} 1',
      'clb_direct_held_targets{reason="last-open-target"} 0',
      'clb_direct_announced_nodes{sign="shutdown"} 2',
      'clb_direct_announced_nodes{sign="cordoned"} 0',
      'clb_direct_mismatched_targets{kind="missing"} 2',
      'clb_direct_oldest_mismatch_seconds{kind="missing"} 61',
      'clb_direct_oldest_mismatch_seconds{kind="weight"} 0',
      'clb_direct_closed_gates{reason="WaitingForHealthCheck"} 7',
      'clb_direct_oldest_closed_gate_seconds{reason="WaitingForHealthCheck"} 4',
      'clb_direct_node_loss_held 1',
      'clb_direct_targets{state="Serving"} 12',
      'clb_direct_targets{state="Draining"} 0',
      'clb_direct_fullest_rule_ratio 0.25',
    ]),
  );
});

test('what is no longer so is gone at the next scrape', async () => {
  const samples = await scrape(
    { leading: true, lanes: 2, mismatched: new Map([['surplus', { count: 1, oldestMs: 9_000 }]]) },
    IDLE_STATE,
  );
  expect(samples).toEqual(
    expect.arrayContaining([
      'clb_direct_leader 0',
      'clb_direct_lanes 0',
      'clb_direct_mismatched_targets{kind="surplus"} 0',
      'clb_direct_oldest_mismatch_seconds{kind="surplus"} 0',
    ]),
  );
});

test('all of one scrape are of the same moment', async () => {
  const registry = new Registry();
  let takes = 0;
  registerStateGauges(registry, () => {
    takes += 1;
    return { ...IDLE_STATE, leading: true, lanes: takes };
  });
  expect(await registry.metrics()).toContain('clb_direct_lanes 1');
  expect(takes).toBe(1);
});
