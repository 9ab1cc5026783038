import { DEFAULT_INSTANCE, type InstanceNames } from '../../common/instance-names.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { CUSTOM_WEIGHT_ANNOTATION, INGRESS_CUSTOM_WEIGHT_ANNOTATION } from '../../common/names.ts';
import { drainBudget, type GracePolicy, raiseGrace } from './grace.ts';
import type { HookMode } from './hook-choice.ts';
import { newHookToken } from './hook-token.ts';
import { type HookPolicy, injectHooks } from './hooks.ts';
import type { JsonPatchOperation } from './json-patch.ts';
import { type SelectionPolicy, selectionOf } from './selection.ts';
import type { Surroundings } from './surroundings.ts';
import { bounded, quoted } from './warning.ts';

const WEIGHT_MAX = 100;

export interface InjectionPolicy extends SelectionPolicy, HookPolicy, GracePolicy {
  readonly names: InstanceNames;
}

export const DEFAULT_INJECTION_POLICY: InjectionPolicy = {
  pods: 'withEniMark',
  hookMode: 'redirect',
  names: DEFAULT_INSTANCE,
  newToken: newHookToken,
  drainSecondsDefault: 30,
  drainSecondsMax: 600,
};

export interface Injection {
  /** Empty when nothing is to be changed. */
  readonly patch: readonly JsonPatchOperation[];
  /** For the person at kubectl: what is not as lossless as it could be, and what to do. */
  readonly warnings: readonly string[];
  /** Of the hooks that were added; undefined when none was. */
  readonly hookMode: HookMode | undefined;
}

/**
 * What a Pod at creation needs for lossless changes: our readiness gate, our preStop on each regular container that has no
 * other one than a sleep, and a grace period raised by the drain budget. Injecting into the result changes nothing more.
 * A Pod that came with all hooks in place keeps its grace period: its author has set that too.
 */
export function injectPod(pod: Pod, policy: InjectionPolicy, surroundings: Surroundings): Injection {
  const selection = selectionOf(pod, surroundings, policy);
  if (!selection.isWanted) return { patch: [], warnings: selection.warnings.map(bounded), hookMode: undefined };
  const budget = drainBudget(pod, policy);
  const sleepSeconds = Math.min(surroundings.sleepSeconds, budget.seconds);
  const hooks = injectHooks(pod, policy, { ...surroundings, sleepSeconds });
  const isHooked = hooks.patch.length > 0;
  const grace = isHooked ? raiseGrace(pod, budget, hooks) : [];
  const warnings = [
    ...selection.warnings,
    ...weightWarnings(pod),
    ...hooks.warnings,
    ...(isHooked ? budget.warnings : []),
  ];
  return {
    patch: [...injectGate(pod, policy.names), ...hooks.patch, ...grace],
    warnings: warnings.map(bounded),
    hookMode: isHooked ? hooks.mode : undefined,
  };
}

/** Rules take such a weight as none. */
function weightWarnings({ metadata }: Pod): string[] {
  const range = `a whole number from 0 to ${WEIGHT_MAX}`;
  return [CUSTOM_WEIGHT_ANNOTATION, INGRESS_CUSTOM_WEIGHT_ANNOTATION].flatMap(annotation => {
    const text = metadata.annotations?.[annotation];
    if (text === undefined || (/^\d{1,3}$/.test(text) && Number(text) <= WEIGHT_MAX)) return [];
    return [`${annotation}: ${quoted(text)} is not ${range}; the default weight is used`];
  });
}

function injectGate({ spec }: Pod, { readinessGate }: InstanceNames): JsonPatchOperation[] {
  const gate = { conditionType: readinessGate };
  if (!spec.readinessGates) return [{ op: 'add', path: '/spec/readinessGates', value: [gate] }];
  if (spec.readinessGates.some(({ conditionType }) => conditionType === readinessGate)) return [];
  return [{ op: 'add', path: '/spec/readinessGates/-', value: gate }];
}
