import { type Deployment, type IntOrPercent, wantedReplicas } from './workloads.ts';

const DEFAULT_BOUND = '25%';

export interface RollingUpdateBounds {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/**
 * Surge rounds up, unavailability rounds down; where both come out as 0 one Pod may be unavailable, or nothing would
 * ever move (ResolveFenceposts of the deployment controller).
 */
export function rollingUpdateBounds(deployment: Deployment): RollingUpdateBounds {
  const replicas = wantedReplicas(deployment);
  const { maxSurge = DEFAULT_BOUND, maxUnavailable = DEFAULT_BOUND } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = resolve(maxSurge, replicas, Math.ceil);
  const unavailable = resolve(maxUnavailable, replicas, Math.floor);
  const moving = surge === 0 && unavailable === 0 ? 1 : unavailable;
  return { maxSurge: surge, maxUnavailable: Math.min(moving, replicas) };
}

function resolve(bound: IntOrPercent, replicas: number, round: (value: number) => number): number {
  if (typeof bound === 'number') return bound;
  const percent = /^(\d+)%$/.exec(bound)?.[1];
  if (percent === undefined) return 0;
  return round((Number(percent) * replicas) / 100);
}
