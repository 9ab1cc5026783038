import type { Pod } from '../../common/kube/objects.ts';
import { APPLICATION_GRACE_ANNOTATION, DRAIN_SECONDS_ANNOTATION, MINIMUM_HOLD_ANNOTATION } from '../../common/names.ts';
import type { Hooks } from './hooks.ts';
import { annotate, type JsonPatchOperation } from './json-patch.ts';
import { wholeSeconds } from './seconds.ts';
import { quoted } from './warning.ts';

/** What the API server fills in when a Pod says nothing. */
const GRACE_SECONDS_DEFAULT = 30;

export interface GracePolicy {
  readonly drainSecondsDefault: number;
  readonly drainSecondsMax: number;
}

/** How long the Pod's drain may take. */
export interface DrainBudget {
  readonly seconds: number;
  readonly warnings: readonly string[];
}

/**
 * The grace period, raised by the drain budget. The application keeps the share it asked for, without what its own preStop
 * slept of it; that share is noted, so that a reinvocation does not raise it again.
 */
export function raiseGrace(pod: Pod, budget: DrainBudget, hooks: Hooks): readonly JsonPatchOperation[] {
  const current = pod.spec.terminationGracePeriodSeconds;
  const noted = wholeSeconds(pod.metadata.annotations?.[APPLICATION_GRACE_ANNOTATION]);
  const application = noted ?? Math.max(0, (current ?? GRACE_SECONDS_DEFAULT) - hooks.sharedSleepSeconds);
  const raised = application + Math.max(budget.seconds, hooks.minimumHoldSeconds);
  const isHeld = hooks.mode !== 'sleep' && hooks.minimumHoldSeconds > 0;
  return [
    ...((current ?? 0) < raised
      ? [{ op: 'add', path: '/spec/terminationGracePeriodSeconds', value: raised } as const]
      : []),
    ...annotate(pod.metadata, {
      [APPLICATION_GRACE_ANNOTATION]: String(application),
      ...(isHeld && { [MINIMUM_HOLD_ANNOTATION]: String(hooks.minimumHoldSeconds) }),
    }),
  ];
}

export function drainBudget(pod: Pod, { drainSecondsDefault, drainSecondsMax }: GracePolicy): DrainBudget {
  const text = pod.metadata.annotations?.[DRAIN_SECONDS_ANNOTATION];
  if (text === undefined) return { seconds: drainSecondsDefault, warnings: [] };
  const seconds = wholeSeconds(text);
  if (seconds === undefined || seconds === 0) {
    const warning = `${DRAIN_SECONDS_ANNOTATION}: ${quoted(text)} is not a whole number of seconds from 1 to ${drainSecondsMax}; ${drainSecondsDefault} is used`;
    return { seconds: drainSecondsDefault, warnings: [warning] };
  }
  if (seconds <= drainSecondsMax) return { seconds, warnings: [] };
  const warning = `${DRAIN_SECONDS_ANNOTATION}: ${quoted(text)} is above the limit of this cluster; ${drainSecondsMax} is used`;
  return { seconds: drainSecondsMax, warnings: [warning] };
}
