import type { Container, LifecycleHandler, Pod } from '../../common/kube/objects.ts';
import { HOOK_PATH, MINIMUM_HOLD_ANNOTATION } from '../../common/names.ts';
import { hookToken, isRedirectedHook, LOOPBACK } from '../../common/pods/pod-hook.ts';
import { type ConfiguredHook, type HookChoice, type HookMode, hookChoice } from './hook-choice.ts';
import type { JsonPatchOperation } from './json-patch.ts';
import { wholeSeconds } from './seconds.ts';
import type { Surroundings } from './surroundings.ts';

export interface HookPolicy extends ConfiguredHook {
  /** Makes what nobody can guess: 16 to 128 of A-Z, a-z, 0-9, `-` and `_`. */
  readonly newToken: () => string;
}

export interface Hooks {
  /** How the containers' preStop reaches the drain. */
  readonly mode: HookMode;
  /** Empty when every container has what it needs, or keeps what it has. */
  readonly patch: readonly JsonPatchOperation[];
  readonly warnings: readonly string[];
  /** No call is answered sooner: the longest preStop sleep that a call replaces, or what the Pod says itself. */
  readonly minimumHoldSeconds: number;
  /** Of what every container's own preStop sleeps, the least: none of them had it of its grace period. */
  readonly sharedSleepSeconds: number;
}

/** Our preStop on each regular container; init and native sidecar containers end after those anyway. */
export function injectHooks(pod: Pod, policy: HookPolicy, surroundings: Surroundings): Hooks {
  const { containers } = pod.spec;
  const choice = hookChoice(pod, policy, surroundings);
  const { hookPort } = policy.names;
  const token = () => tokenOf(containers, hookPort) ?? policy.newToken();
  const handler = handlerFor(choice, { token, hookPort, ...surroundings });
  const parts = containers.map((container, index) => injectHook(container, index, { ...choice, handler, hookPort }));
  const patch = parts.flatMap(part => part.patch);
  const sleeps = containers.map(ownSleepSeconds);
  const noted = wholeSeconds(pod.metadata.annotations?.[MINIMUM_HOLD_ANNOTATION]) ?? 0;
  return {
    mode: choice.mode,
    patch,
    warnings: [
      ...(patch.length > 0 ? shortfallWarnings(choice, handler) : []),
      ...parts.flatMap(part => part.warnings),
    ],
    minimumHoldSeconds: Math.max(noted, ...sleeps),
    sharedSleepSeconds: Math.min(...sleeps),
  };
}

function handlerFor(
  { mode }: HookChoice,
  { token, hookPort, sleepSeconds }: { token: () => string; hookPort: number; sleepSeconds: number },
): LifecycleHandler {
  switch (mode) {
    case 'redirect':
      return { httpGet: { port: hookPort, path: HOOK_PATH } };
    case 'loopback':
      return { httpGet: { host: LOOPBACK, port: hookPort, path: `${HOOK_PATH}/${token()}` } };
    case 'sleep':
      return { sleep: { seconds: sleepSeconds } };
  }
}

/** One token stands for the whole Pod. */
function tokenOf(containers: readonly Container[], hookPort: number): string | undefined {
  return containers.map(container => hookToken(container, hookPort)).find(token => token !== undefined);
}

function shortfallWarnings({ shortfall }: HookChoice, { sleep }: LifecycleHandler): string[] {
  if (shortfall === undefined) return [];
  return [
    `preStop sleeps ${sleep?.seconds} s instead of waiting for the load balancer, requests may be lost if that takes longer: ${shortfall}`,
  ];
}

type PlannedHook = HookChoice & { readonly hookPort: number };

function injectHook(
  container: Container,
  index: number,
  { handler, ...choice }: PlannedHook & { readonly handler: LifecycleHandler },
): { readonly patch: readonly JsonPatchOperation[]; readonly warnings: readonly string[] } {
  const path = `/spec/containers/${index}/lifecycle`;
  const own = container.lifecycle?.preStop;
  if (!container.lifecycle) return { patch: [{ op: 'add', path, value: { preStop: handler } }], warnings: [] };
  if (own && serves(container, handler, choice)) return { patch: [], warnings: [] };
  if (!own || own.sleep || isRedirectedHook(container, choice.hookPort)) {
    return { patch: [{ op: 'add', path: `${path}/preStop`, value: handler }], warnings: [] };
  }
  const warning = `container "${container.name}" keeps its ${own.exec ? 'exec' : 'httpGet'} preStop: its SIGTERM does not wait for the load balancer, requests may be lost; do that step on SIGTERM and remove the preStop`;
  return { patch: [], warnings: [warning] };
}

/** Whether the container's own preStop does already what ours would. */
function serves(container: Container, handler: LifecycleHandler, { canRedirect, hookPort }: PlannedHook): boolean {
  if (isRedirectedHook(container, hookPort)) return canRedirect;
  if (hookToken(container, hookPort) !== undefined) return true;
  return handler.sleep !== undefined && ownSleepSeconds(container) >= handler.sleep.seconds;
}

function ownSleepSeconds({ lifecycle }: Container): number {
  return lifecycle?.preStop?.sleep?.seconds ?? 0;
}
