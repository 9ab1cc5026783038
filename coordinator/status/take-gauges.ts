import type { Clock } from '../../common/clock.ts';
import type { Coordinator } from '../coordinator.ts';
import type { LifeCycleState } from '../core/life-cycle.ts';
import { priorityOf } from '../core/target-operation.ts';
import { UNHOOKED_BY } from '../leader/bare-pods.ts';
import { isSuperNode } from '../nodes/super-node.ts';
import type { StateGauges, Tally } from './state-gauges.ts';

/** What of a replica the gauges are taken from. */
export type GaugedReplica = Pick<
  Coordinator,
  'isLeading' | 'isObserving' | 'leadership' | 'mayWriteUntil' | 'work' | 'knowledge' | 'watchedNodes'
> & { readonly reports: Pick<Coordinator['reports'], 'sessions'> };

/** The gauges' values, taken when somebody scrapes. */
export function takeGauges(coordinator: GaugedReplica, clock: Clock): StateGauges {
  const now = clock.now();
  const { work, knowledge, leadership } = coordinator;
  return {
    leading: coordinator.isLeading,
    observing: coordinator.isObserving,
    intended: countBy(coordinator.isObserving ? [...(work?.intendedChanges() ?? [])].map(({ kind }) => kind) : []),
    hasLeader: leadership.leader !== '',
    term: leadership.term,
    leaseLeftMs: Math.max(0, coordinator.mayWriteUntil - now),
    sessionAgesMs: coordinator.reports.sessions().map(({ openedAtMs }) => now - openedAtMs),
    ...agentCover(coordinator, now),
    ...laneWork(coordinator, now),
    ...targetsOf(coordinator),
    mismatched: tally(work?.mismatched() ?? [], ({ kind }) => kind, now),
    gateWaits: tally(work?.gateWaits() ?? [], ({ reason }) => reason, now),
    drains: knowledge.drains.size,
    ungated: work?.bare.ungated ?? 0,
    paused: work?.pausedCount ?? 0,
    unhooked: new Map(UNHOOKED_BY.map(by => [by, work?.bare.unhooked(by) ?? 0])),
    announced: countBy(
      [...knowledge.store.nodes.keys()].flatMap(node => knowledge.store.signsOf(node).map(({ kind }) => kind)),
    ),
    lostNodes: work?.losses.lostNodes.length ?? 0,
    isLossHeld: work?.losses.isHeld ?? false,
    watchedNodes: coordinator.watchedNodes.length,
    blindNodes: [...knowledge.store.nodes.values()].filter(({ isBlind }) => isBlind).length,
  };
}

function agentCover({ knowledge }: GaugedReplica, now: number): Pick<StateGauges, 'nodes' | 'silentForMs'> {
  const nodes = [...knowledge.nodes.names].filter(node => !isSuperNode(node));
  const silentSince = nodes.flatMap(node => knowledge.presence.missingSince(node) ?? []);
  return { nodes: nodes.length, silentForMs: silentSince.map(since => now - since) };
}

type LaneWork = Pick<StateGauges, 'lanes' | 'queued' | 'oldestWaitMs' | 'transactions' | 'held'>;

function laneWork({ work }: GaugedReplica, now: number): LaneWork {
  const lanes = work?.lanes() ?? [];
  const queues = lanes.map(({ queue }) => queue);
  return {
    lanes: lanes.length,
    queued: countBy(queues.flatMap(({ operations }) => operations.map(priorityOf))),
    oldestWaitMs: lanes.reduce((oldestMs, lane) => Math.max(oldestMs, now - (lane.oldestWaitSince() ?? now)), 0),
    transactions: lanes.reduce((sum, lane) => sum + lane.view().transactions.size, 0),
    held: countBy(queues.flatMap(({ holds }) => holds.map(({ reason }) => reason))),
  };
}

type Targets = Pick<StateGauges, 'targets' | 'unhealthy' | 'leftOut' | 'fullestRuleRatio'>;

function targetsOf({ work }: GaugedReplica): Targets {
  const targets = new Map<LifeCycleState, number>();
  let unhealthy = 0;
  for (const rule of work?.targetCounts() ?? []) {
    unhealthy += rule.unhealthy;
    for (const [state, count] of rule.states) targets.set(state, (targets.get(state) ?? 0) + count);
  }
  const lanes = work?.lanes() ?? [];
  const leftOut = lanes
    .flatMap(({ plan }) => [...(plan?.leftOut.values() ?? [])])
    .reduce((sum, count) => sum + count, 0);
  const fullestRuleRatio = lanes.reduce((ratio, lane) => Math.max(ratio, lane.fullestRuleRatio()), 0);
  return { targets, unhealthy, leftOut, fullestRuleRatio };
}

function countBy<K extends string>(keys: readonly K[]): ReadonlyMap<K, number> {
  const counts = new Map<K, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function tally<T extends { readonly since: number }, K>(
  items: Iterable<T>,
  kindOf: (item: T) => K,
  now: number,
): Tally<K> {
  const tallies = new Map<K, { count: number; oldestMs: number }>();
  for (const item of items) {
    const { count, oldestMs } = tallies.get(kindOf(item)) ?? { count: 0, oldestMs: 0 };
    tallies.set(kindOf(item), { count: count + 1, oldestMs: Math.max(oldestMs, now - item.since) });
  }
  return tallies;
}
