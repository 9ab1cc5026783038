import type { PodView } from '../core/cluster-view.ts';
import type { RuleOwner } from '../core/rule.ts';
import type { Lane } from '../lanes/lane.ts';
import {
  type IntendedChange,
  intendedCreation,
  intendedDeletion,
  intendedListenerWork,
  intendedSettings,
  intendedTarget,
} from './intended-change.ts';

export interface IntendedChangesInput {
  readonly creations: readonly RuleOwner[];
  /** Ids of load balancers. */
  readonly deletions: readonly string[];
  readonly lanes: readonly Pick<Lane, 'loadBalancerId' | 'demanded' | 'queue'>[];
  /** By UID. */
  readonly pods: { get(podUid: string): PodView | undefined };
}

/** Every change of CLB that is to be made now: load balancers first, then what is on each of them. */
export function* intendedChanges(input: IntendedChangesInput): Iterable<IntendedChange> {
  const { creations, deletions, lanes, pods } = input;
  const nameOf = (podUid: string) => {
    const record = pods.get(podUid)?.record;
    return record ? `${record.namespace}/${record.name}` : podUid;
  };
  yield* creations.map(intendedCreation);
  yield* deletions.map(intendedDeletion);
  for (const { loadBalancerId: id, demanded, queue } of lanes) {
    yield* demanded.settings.map(change => intendedSettings(id, change));
    yield* demanded.listenerWork.map(work => intendedListenerWork(id, work));
    yield* queue.operations.map(operation => intendedTarget(id, operation, nameOf));
  }
}
