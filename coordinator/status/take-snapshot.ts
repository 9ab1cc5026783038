import type { Clock } from '../../common/clock.ts';
import type { Coordinator } from '../coordinator.ts';
import { ruleLabel } from '../core/rule.ts';
import type { RuleState, RuleTarget } from '../core/rule-state.ts';
import type { Lane } from '../lanes/lane.ts';
import type { LoadBalancerStatus, StatusSnapshot, TargetStatus } from './status-snapshot.ts';

/** The status page's values, as they are now. */
export function takeSnapshot(coordinator: Coordinator, options: { clock: Clock; name: string }): StatusSnapshot {
  const { clock, name } = options;
  const toWall = (monotonicMs: number) => clock.wallNow() - (clock.now() - monotonicMs);
  const { leader, term } = coordinator.leadership;
  return {
    takenAtMs: clock.wallNow(),
    coordinator: name,
    leading: coordinator.isLeading,
    leader,
    term,
    loadBalancers: (coordinator.work?.lanes() ?? []).map(lane => loadBalancerStatus(lane, clock)),
    agents: coordinator.reports.sessions().map(session => ({
      node: session.node,
      pod: session.agentPodName,
      podCount: session.podCount,
      connectedSinceMs: toWall(session.openedAtMs),
      lastHeardMs: toWall(session.lastHeardAtMs),
    })),
    recentDrains: [...coordinator.knowledge.drains.values()].map(drain => ({
      pod: podName(coordinator, drain.podUid),
      requestedMs: toWall(drain.begunAt),
      weightZeroMs: undefined,
      connectionsEndedMs: undefined,
      deregisteredMs: undefined,
      answeredMs: drain.answeredAt === undefined ? undefined : toWall(drain.answeredAt),
    })),
  };
}

function podName(coordinator: Coordinator, podUid: string): string {
  const record = coordinator.knowledge.store.pods.get(podUid)?.record;
  return record ? `${record.namespace}/${record.name}` : podUid;
}

function loadBalancerStatus(lane: Lane, clock: Clock): LoadBalancerStatus {
  const { loadBalancerId, virtualAddresses, states } = lane.view();
  return {
    id: loadBalancerId,
    vip: virtualAddresses.join(', '),
    listeners: lane.listeners.map(listener => `${listener.port}/${listener.protocol}`),
    targets: states.flatMap(state => state.targets.map(target => targetStatus(state, target, clock))),
  };
}

function targetStatus(state: RuleState, target: RuleTarget, clock: Clock): TargetStatus {
  const mark = target.bound?.mark;
  const record = target.wanted?.pod.record;
  const pod = record ? `${record.namespace}/${record.name}` : mark ? `${mark.namespace}/${mark.name}` : 'not ours';
  const { name, waitingFor } = lifeCycle(target);
  return {
    pod,
    listener: ruleLabel(state.rule),
    address: `${target.place.address}:${target.place.port}`,
    state: name,
    sinceMs: clock.wallNow(),
    waitingFor,
  };
}

/** The words of the target life cycle (design section 4), read off what is bound, wanted and under way. */
function lifeCycle(target: RuleTarget): { name: string; waitingFor: string } {
  const { bound, transaction, wanted } = target;
  if (transaction?.operation === 'deregister') return { name: 'Deregistering', waitingFor: 'CLB' };
  if (!bound) return { name: transaction ? 'Registering' : 'Absent', waitingFor: transaction ? 'CLB' : '' };
  if (transaction) return { name: transaction.weight > 0 ? 'Opening' : 'Draining', waitingFor: 'CLB' };
  const leaving = wanted?.disposition.kind === 'drain' || wanted?.disposition.kind === 'remove' || !wanted;
  if (bound.weight === 0) {
    return leaving
      ? { name: 'Draining', waitingFor: 'its connections or its exit' }
      : { name: 'Standby', waitingFor: 'the Pod to be ready' };
  }
  if (bound.health === 'healthy' || bound.health === 'closed') return { name: 'Serving', waitingFor: '' };
  return { name: 'Opening', waitingFor: `its health check (${bound.health ?? 'not read yet'})` };
}
