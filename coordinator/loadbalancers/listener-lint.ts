import type { HealthCheckSettings } from '../cloud/settings.ts';
import type { Listener } from '../cloud/types.ts';
import type { RuleLocation } from './listener-plan-types.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';
import type { ServiceIntent } from './service-intent.ts';

/** A rollout waits that long for each new Pod at least; CLB's own setting is 15 s. */
const SLOW_SECONDS = 30;

/** What works against lossless or quick changes in the settings of places that an object's rules have. */
export function lintPlaces(
  service: ServiceIntent['service'],
  places: readonly RuleLocation[],
  listeners: readonly Listener[],
): readonly Problem[] {
  const found = places.flatMap(({ listenerId, locationId }) => {
    const listener = listeners.find(({ id }) => id === listenerId);
    const rule = listener?.forwardingRules.find(each => each.locationId === locationId);
    if (!listener) return [];
    return [rescheduled(service, listener), slowCheck(service, listener, (rule ?? listener).settings?.healthCheck)];
  });
  // Rules of one listener may have the same settings, and the same said about them.
  return [...new Map(found.flatMap(each => (each ? [[each.message, each] as const] : []))).values()];
}

function rescheduled(service: ServiceIntent['service'], { id, rescheduleSeconds }: Listener): Problem | undefined {
  if (rescheduleSeconds === undefined) return undefined;
  return problem(
    'CD1029',
    `${ownerName(service)}: listener ${id} reschedules connections within ${rescheduleSeconds} s, so that CLB itself may cut ` +
      'those of a Pod that is being drained. Switch rescheduling off in the CLB console; Pods are drained without it.',
  );
}

function slowCheck(
  service: ServiceIntent['service'],
  { id }: Listener,
  check: HealthCheckSettings | undefined,
): Problem | undefined {
  const { enabled, intervalSeconds = 0, healthyThreshold = 0 } = check ?? {};
  const seconds = intervalSeconds * healthyThreshold;
  if (!enabled || seconds <= SLOW_SECONDS) return undefined;
  return problem(
    'CD1030',
    `${ownerName(service)}: the health check of listener ${id} passes a new Pod after ${healthyThreshold} probes ` +
      `${intervalSeconds} s apart, so that each step of a rollout takes ${seconds} s at least. An interval of 5 s and a ` +
      'threshold of 3 make it 15 s.',
  );
}
