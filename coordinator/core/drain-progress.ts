import type { Protocol } from '../../common/pod-record.ts';
import type { Drain } from './drain-ledger.ts';

/** How far CLB is with one Pod, as reads have shown it (laws L4 and L8). */
export interface DrainProgress {
  readonly podUid: string;
  readonly node: string;
  readonly state: 'accepted' | 'weight-zero' | 'deregistered';
  readonly targetPorts: readonly { readonly port: number; readonly protocol: Protocol }[];
  readonly virtualAddresses: readonly string[];
  /** Targets of rules that are paused stay as they are: nothing is waited for there. */
  readonly isPaused: boolean;
  /** The load balancers that hold it. */
  readonly loadBalancerIds: readonly string[];
}

/** One target of a Pod, as it is bound. */
export interface Holding {
  readonly port: number;
  readonly protocol: Protocol;
  readonly weight: number;
  /** Nothing is changed there. */
  readonly isPaused?: boolean;
}

/** One load balancer that may hold the Pod, as its lane knows it. */
export interface DrainLane {
  readonly loadBalancerId: string;
  readonly virtualAddresses: readonly string[];
  /** False until its bindings were read once by this leader: then nothing may be concluded from absence. */
  readonly observed: boolean;
  /** Every target of the Pod that CLB has there. */
  readonly holdings: readonly Holding[];
  /** A change of one of the Pod's targets is under way or waits for its read. */
  readonly moving: boolean;
}

/**
 * @param complete every load balancer that may hold the Pod is in `lanes`; until a new leader has found them all, it
 * knows nothing of what it does not see
 */
export function drainProgress(drain: Drain, lanes: readonly DrainLane[], complete: boolean): DrainProgress {
  const holders = lanes.filter(lane => lane.holdings.length > 0);
  const held = lanes.flatMap(({ holdings }) => holdings);
  const holding = held.filter(({ isPaused }) => !isPaused);
  const settled = complete && lanes.every(lane => lane.observed && !lane.moving);
  return {
    podUid: drain.podUid,
    node: drain.node,
    state: stateOf(holding, settled),
    targetPorts: holding.map(({ port, protocol }) => ({ port, protocol })),
    virtualAddresses: [...new Set(holders.flatMap(lane => lane.virtualAddresses))],
    isPaused: holding.length < held.length,
    loadBalancerIds: holders.map(lane => lane.loadBalancerId),
  };
}

/** `settled`: everything was read, and no change of this Pod is under way or waits for its read. */
function stateOf(holding: readonly Holding[], settled: boolean): DrainProgress['state'] {
  if (!settled || holding.some(binding => binding.weight > 0)) return 'accepted';
  return holding.length === 0 ? 'deregistered' : 'weight-zero';
}
