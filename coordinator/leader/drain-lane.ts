import type { DrainLane } from '../core/drain-progress.ts';
import type { LiveLane } from './lane-fleet.ts';

/** What a lane knows of a Pod that is being drained. */
export function drainLane({ lane }: LiveLane, podUid: string): DrainLane {
  const { loadBalancerId, virtualAddresses } = lane;
  // What a read shows before is not yet for good: the leader before may undo it (law L4).
  const observed = lane.observed && lane.isCertain;
  const [holdings, moving] = [lane.holdingsOf(podUid), lane.hasTransactionOf(podUid)];
  return { loadBalancerId, virtualAddresses, observed, holdings, moving };
}
