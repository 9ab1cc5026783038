import type { Coordinator } from '../coordinator.ts';
import { priorityOf } from '../core/target-operation.ts';
import type { CoordinatorGauges } from './metrics.ts';

/** The gauges' values, taken when somebody scrapes. */
export function takeGauges(coordinator: Coordinator): CoordinatorGauges {
  const queues = (coordinator.work?.lanes() ?? []).map(lane => lane.queue);
  const { store } = coordinator.knowledge;
  return {
    leading: coordinator.isLeading,
    agentSessions: coordinator.reports.sessions().length,
    queued: countBy(queues.flatMap(({ operations }) => operations.map(priorityOf))),
    announced: countBy([...store.nodes.keys()].flatMap(node => store.signsOf(node).map(({ kind }) => kind))),
    lostNodes: coordinator.work?.losses.lostNodes.length ?? 0,
    isLossHeld: coordinator.work?.losses.isHeld ?? false,
    watchedNodes: coordinator.watchedNodes.length,
    held: countBy(queues.flatMap(({ holds }) => holds.map(hold => hold.reason))),
  };
}

function countBy<K extends string>(keys: readonly K[]): ReadonlyMap<K, number> {
  const counts = new Map<K, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
