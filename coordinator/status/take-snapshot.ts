import type { Clock } from '../../common/clock.ts';
import type { Coordinator } from '../coordinator.ts';
import { lifeCycleOf } from '../core/life-cycle.ts';
import { ruleLabel } from '../core/rule.ts';
import type { RuleState, RuleTarget } from '../core/rule-state.ts';
import type { Lane } from '../lanes/lane.ts';
import { missingRight } from '../leader/missing-rights.ts';
import type {
  AgentlessNode,
  IntendedStatus,
  LoadBalancerStatus,
  StatusSnapshot,
  TargetStatus,
} from './status-snapshot.ts';

/** The status page's values, as they are now. */
export function takeSnapshot(coordinator: Coordinator, options: { clock: Clock; name: string }): StatusSnapshot {
  const { clock, name } = options;
  const toWall = (monotonicMs: number) => clock.wallNow() - (clock.now() - monotonicMs);
  const { leader, term } = coordinator.leadership;
  const { work } = coordinator;
  return {
    takenAtMs: clock.wallNow(),
    coordinator: name,
    leading: coordinator.isLeading,
    leader,
    term,
    loadBalancers: (work?.lanes() ?? []).map(lane =>
      loadBalancerStatus(lane, key => toWall(work?.targetSince(lane.loadBalancerId, key) ?? clock.now())),
    ),
    intended: coordinator.isObserving ? intendedChanges(coordinator) : undefined,
    agents: coordinator.reports.sessions().map(session => ({
      node: session.node,
      pod: session.agentPodName,
      podCount: session.podCount,
      isBlind: coordinator.knowledge.store.nodes.get(session.node)?.isBlind ?? false,
      connectedSinceMs: toWall(session.openedAtMs),
      lastHeardMs: toWall(session.lastHeardAtMs),
      signs: coordinator.knowledge.store.signsOf(session.node).map(({ kind }) => kind),
    })),
    agentlessNodes: agentlessNodes(coordinator, toWall),
    missingRights: coordinator.knowledge.forbiddenKinds.map(kind => missingRight(kind).message),
    isLossHeld: work?.losses.isHeld ?? false,
    recentDrains: (work?.recentDrains() ?? []).map(drain => ({
      pod: drain.pod,
      requestedMs: toWall(drain.requestedAt),
      weightZeroMs: optional(toWall, drain.weightZeroAt),
      connectionsEndedMs: optional(toWall, drain.connectionsEndedAt),
      deregisteredMs: optional(toWall, drain.deregisteredAt),
      answeredMs: optional(toWall, drain.answeredAt),
    })),
  };
}

function intendedChanges({ work }: Coordinator): IntendedStatus[] {
  return [...(work?.intendedChanges() ?? [])].map(({ loadBalancerId: loadBalancer = '', text: change }) => ({
    loadBalancer,
    change,
  }));
}

function agentlessNodes(coordinator: Coordinator, toWall: (at: number) => number): AgentlessNode[] {
  const { knowledge, work } = coordinator;
  const watched = new Set(coordinator.watchedNodes);
  return [...knowledge.presence.nodes].flatMap(node => {
    const since = knowledge.presence.missingSince(node);
    if (since === undefined) return [];
    const isLost = work?.losses.isLost(node) ?? false;
    return [{ node, sinceMs: toWall(since), isWatched: watched.has(node), isLost }];
  });
}

function optional(toWall: (at: number) => number, at: number | undefined): number | undefined {
  return at === undefined ? undefined : toWall(at);
}

function loadBalancerStatus(lane: Lane, sinceMs: (key: string) => number): LoadBalancerStatus {
  const { loadBalancerId, virtualAddresses } = lane;
  const { states } = lane.view();
  return {
    id: loadBalancerId,
    vip: virtualAddresses.join(', '),
    listeners: lane.listeners.map(listener => `${listener.port}/${listener.protocol}`),
    targets: states.flatMap(state => state.targets.map(target => targetStatus(state, target, sinceMs(target.key)))),
  };
}

function targetStatus(state: RuleState, target: RuleTarget, sinceMs: number): TargetStatus {
  const mark = target.bound?.mark;
  const record = target.wanted?.pod.record;
  const pod = record ? `${record.namespace}/${record.name}` : mark ? `${mark.namespace}/${mark.name}` : 'not ours';
  return {
    pod,
    listener: ruleLabel(state.rule),
    address: `${target.place.address}:${target.place.port}`,
    sinceMs,
    ...lifeCycleOf(target),
  };
}
