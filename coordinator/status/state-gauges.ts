import { Gauge, type Registry } from 'prom-client';
import { GATE_REASONS, type GateReason } from '../core/gate.ts';
import { LIFE_CYCLE_STATES, type LifeCycleState } from '../core/life-cycle.ts';
import { MISMATCHES, type Mismatch } from '../core/mismatch.ts';
import { NODE_SIGN_KINDS, type NodeSignKind } from '../core/node-sign.ts';
import type { Hold } from '../core/rule-plan.ts';
import { PRIORITIES, type Priority } from '../core/target-operation.ts';
import { UNHOOKED_BY, type UnhookedBy } from '../leader/bare-pods.ts';
import { CHANGE_KINDS, type ChangeKind } from '../observe/intended-change.ts';

const HOLD_REASONS: readonly Hold['reason'][] = [
  'last-open-target',
  'brake',
  'replacements-not-serving',
  'unseen-pods',
];

/** How many there are of each kind, and since how long the oldest of it is so. */
export type Tally<K> = ReadonlyMap<K, { readonly count: number; readonly oldestMs: number }>;

/** What is true at one moment. What only a leader knows is empty or 0 on a follower. */
export interface StateGauges {
  readonly leading: boolean;
  /** It works everything out and writes nothing. */
  readonly observing: boolean;
  /** What one that observes would change in CLB now; nothing on others. */
  readonly intended: ReadonlyMap<ChangeKind, number>;
  /** Somebody holds the lease, as far as this replica knows. */
  readonly hasLeader: boolean;
  /** Transitions of the lease at the last change of leader that this replica knows of. */
  readonly term: number;
  /** How long the leader may still write; 0 on a follower. */
  readonly leaseLeftMs: number;
  /** How long each report stream has been open. */
  readonly sessionAgesMs: readonly number[];
  /** Nodes of the cluster that should have an agent. */
  readonly nodes: number;
  /** Those of them of which none reports to this replica, and since when. */
  readonly silentForMs: readonly number[];
  readonly lanes: number;
  /** Operations that wait for their batch. */
  readonly queued: ReadonlyMap<Priority, number>;
  /** Of the operation that waits longest in any lane; 0 when none does. */
  readonly oldestWaitMs: number;
  /** Changes that were sent and not yet read back. */
  readonly transactions: number;
  /** Our targets by where they stand in their life cycle. */
  readonly targets: ReadonlyMap<LifeCycleState, number>;
  /** Open ones that CLB finds unhealthy. */
  readonly unhealthy: number;
  /** Pods that the quota of targets leaves out. */
  readonly leftOut: number;
  /** Of the rule that is nearest to its quota of targets, the share of it that is used. */
  readonly fullestRuleRatio: number;
  readonly mismatched: Tally<Mismatch>;
  /** Pods whose gate is closed. */
  readonly gateWaits: Tally<GateReason>;
  /** Pods that are served and have no readiness gate of ours. */
  readonly ungated: number;
  /** Services and Ingresses of which nothing is changed, by their users' word. */
  readonly paused: number;
  /** Pods that are served and of which a container does not wait for the load balancer, by what it does instead. */
  readonly unhooked: ReadonlyMap<UnhookedBy, number>;
  /** Targets that laws L2 and L4 keep in though something speaks against them. */
  readonly held: ReadonlyMap<Hold['reason'], number>;
  /** preStop hooks that agents hold. */
  readonly drains: number;
  /** Nodes by what announces their end. */
  readonly announced: ReadonlyMap<NodeSignKind, number>;
  /** Nodes that nobody reaches. */
  readonly lostNodes: number;
  /** So many agents fell silent together that no node is taken for lost. */
  readonly isLossHeld: boolean;
  /** Nodes whose agents do not see their Pods. */
  readonly blindNodes: number;
  /** Nodes without an agent that sees, whose Pods this replica watches itself. */
  readonly watchedNodes: number;
}

/** Adds what is true at the moment at which somebody scrapes. `take` is called once for each scrape. */
export function registerStateGauges(registry: Registry, take: () => StateGauges): void {
  const setters: Setter[] = [];
  // Metrics are scraped in the order of their registration: this one sets all that follow.
  new Gauge({
    name: 'clb_direct_leader',
    help: '1 while this replica leads',
    registers: [registry],
    collect() {
      const state = take();
      this.set(state.leading ? 1 : 0);
      for (const set of setters) set(state);
    },
  });
  setters.push(
    leaderSetter(registry),
    agentSetter(registry),
    laneSetter(registry),
    targetSetter(registry),
    podSetter(registry),
  );
}

type Setter = (state: StateGauges) => void;

function gauge(registry: Registry, name: string, help: string): Gauge;
function gauge<L extends string>(registry: Registry, name: string, help: string, label: L): Gauge<L>;
function gauge(registry: Registry, name: string, help: string, ...labelNames: string[]): Gauge<string> {
  return new Gauge({ name: `clb_direct_${name}`, help, labelNames, registers: [registry] });
}

function leaderSetter(registry: Registry): Setter {
  const hasLeader = gauge(registry, 'leader_known', '1 while this replica knows of a holder of the lease');
  const term = gauge(registry, 'lease_transitions', 'Transitions of the lease when this replica last led');
  const left = gauge(
    registry,
    'lease_remaining_seconds',
    'How long the leader may still write if it cannot renew its lease; 0 on a follower',
  );
  const observing = gauge(registry, 'observing', '1 while this replica only observes (--mode=observe)');
  const intended = gauge(
    registry,
    'intended_changes',
    'Changes of CLB that a replica that only observes would make now, by kind; 0 on one that is active',
    'kind',
  );
  return state => {
    observing.set(state.observing ? 1 : 0);
    for (const kind of CHANGE_KINDS) intended.set({ kind }, state.intended.get(kind) ?? 0);
    hasLeader.set(state.hasLeader ? 1 : 0);
    term.set(state.term);
    left.set(state.leaseLeftMs / 1_000);
  };
}

function agentSetter(registry: Registry): Setter {
  const sessions = gauge(registry, 'agent_sessions', 'Report streams that are open');
  const age = gauge(
    registry,
    'agent_session_age_seconds',
    'How long report streams have been open, by edge: the youngest and the oldest of them',
    'edge',
  );
  const nodes = gauge(registry, 'nodes', 'Nodes of the cluster that should have an agent: all but super nodes');
  const missing = gauge(
    registry,
    'nodes_without_agent',
    'Nodes that should have an agent and of which none reports to this replica',
  );
  const missingFor = gauge(
    registry,
    'oldest_missing_agent_seconds',
    'How long the node that is longest without a reporting agent has been so; 0 when there is none',
  );
  const announced = gauge(
    registry,
    'announced_nodes',
    'Nodes whose agent tells of a sign of their end, by sign, whether or not --drain-node-on names it',
    'sign',
  );
  const lost = gauge(
    registry,
    'lost_nodes',
    'Nodes whose agents are silent and that no other node reaches: their targets go to weight 0',
  );
  const lossHeld = gauge(
    registry,
    'node_loss_held',
    '1 while so many agents are silent together that no further node is taken for lost',
  );
  const watched = gauge(
    registry,
    'watched_nodes',
    'Nodes without an agent that sees and reports, whose Pods the leader watches itself',
  );
  const blind = gauge(
    registry,
    'blind_nodes',
    'Nodes whose agents report and do not see their Pods, since they do not reach the API server',
  );
  return state => {
    sessions.set(state.sessionAgesMs.length);
    age.set({ edge: 'youngest' }, least(state.sessionAgesMs) / 1_000);
    age.set({ edge: 'oldest' }, greatest(state.sessionAgesMs) / 1_000);
    nodes.set(state.nodes);
    missing.set(state.silentForMs.length);
    missingFor.set(greatest(state.silentForMs) / 1_000);
    for (const sign of NODE_SIGN_KINDS) announced.set({ sign }, state.announced.get(sign) ?? 0);
    lost.set(state.lostNodes);
    lossHeld.set(state.isLossHeld ? 1 : 0);
    watched.set(state.watchedNodes);
    blind.set(state.blindNodes);
  };
}

function laneSetter(registry: Registry): Setter {
  const lanes = gauge(registry, 'lanes', 'Load balancers that the leader serves, each with a lane of its own');
  const depth = gauge(
    registry,
    'lane_queue_depth',
    'Operations that wait in all lanes, by class of priority',
    'priority',
  );
  const oldest = gauge(
    registry,
    'lane_oldest_wait_seconds',
    'How long the operation that waits longest in any lane has waited for its write; 0 when none does',
  );
  const transactions = gauge(registry, 'transactions', 'Changes of targets that were sent and not yet read back');
  return state => {
    lanes.set(state.lanes);
    for (const priority of PRIORITIES) depth.set({ priority }, state.queued.get(priority) ?? 0);
    oldest.set(state.oldestWaitMs / 1_000);
    transactions.set(state.transactions);
  };
}

function targetSetter(registry: Registry): Setter {
  const targets = gauge(
    registry,
    'targets',
    'Targets on all rules that are ours or wanted, by where they stand in their life cycle',
    'state',
  );
  const unhealthy = gauge(registry, 'unhealthy_targets', 'Open targets that CLB finds unhealthy');
  const leftOut = gauge(
    registry,
    'left_out_targets',
    'Targets that are wanted and have no room within the quota of their rule',
  );
  const fullest = gauge(
    registry,
    'fullest_rule_ratio',
    'Of the rule that is nearest to its quota of targets, the share of it that is used: 1 is full',
  );
  return state => {
    for (const name of LIFE_CYCLE_STATES) targets.set({ state: name }, state.targets.get(name) ?? 0);
    unhealthy.set(state.unhealthy);
    leftOut.set(state.leftOut);
    fullest.set(state.fullestRuleRatio);
  };
}

function podSetter(registry: Registry): Setter {
  const held = gauge(
    registry,
    'held_targets',
    'Targets that are kept open, or registered, though something speaks against them, by reason',
    'reason',
  );
  const drains = gauge(registry, 'drains', 'preStop hooks that agents hold, or held a moment ago');
  const ungated = gauge(
    registry,
    'ungated_pods',
    'Pods that Services or Ingresses select and that have no readiness gate: rolling updates do not wait for them',
  );
  const paused = gauge(
    registry,
    'paused_objects',
    'Services and Ingresses of which nothing is changed in CLB, by their annotation clb-direct.io/paused',
  );
  const unhooked = gauge(
    registry,
    'unhooked_pods',
    'Pods that Services or Ingresses select and of which a container does not wait for the load balancer, by what its preStop does',
    'hook',
  );
  const mismatched = tally(registry, MISMATCHES, {
    count: ['mismatched_targets', 'Targets that CLB shows otherwise than wanted, without those held, by kind'],
    oldest: [
      'oldest_mismatch_seconds',
      'How long the target that is longest otherwise than wanted has been so, by kind',
    ],
    label: 'kind',
  });
  const gates = tally(registry, GATE_REASONS, {
    count: ['closed_gates', 'Pods whose readiness gate is closed, by what it waits for'],
    oldest: ['oldest_closed_gate_seconds', 'How long the gate that waits longest has waited, by what it waits for'],
    label: 'reason',
  });
  return state => {
    for (const reason of HOLD_REASONS) held.set({ reason }, state.held.get(reason) ?? 0);
    drains.set(state.drains);
    ungated.set(state.ungated);
    paused.set(state.paused);
    for (const hook of UNHOOKED_BY) unhooked.set({ hook }, state.unhooked.get(hook) ?? 0);
    mismatched(state.mismatched);
    gates(state.gateWaits);
  };
}

interface TallyNames {
  readonly count: readonly [name: string, help: string];
  readonly oldest: readonly [name: string, help: string];
  readonly label: string;
}

function tally<K extends string>(
  registry: Registry,
  kinds: readonly K[],
  names: TallyNames,
): (values: Tally<K>) => void {
  const { label } = names;
  const count = gauge(registry, ...names.count, label);
  const oldest = gauge(registry, ...names.oldest, label);
  return values => {
    for (const kind of kinds) {
      count.set({ [label]: kind }, values.get(kind)?.count ?? 0);
      oldest.set({ [label]: kind }, (values.get(kind)?.oldestMs ?? 0) / 1_000);
    }
  };
}

function least(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => Math.min(a, b));
}

function greatest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}
