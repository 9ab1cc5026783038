import { type Clock, sleep } from '../../../common/clock.ts';
import type { Container, HttpGetAction, LifecycleHandler } from '../../../common/kube/objects.ts';
import type { NodeNetwork } from './node-network.ts';

/** A call that outlives its grace period is left open, as the real kubelet leaves it, but not for ever. */
const HOOK_CALL_LIMIT_MS = 600_000;

export type HookOutcome =
  /** Whatever the status was: the kubelet does not look at it. */
  | { readonly type: 'answered'; readonly status: number }
  | { readonly type: 'slept' }
  | { readonly type: 'failed'; readonly message: string }
  /** The grace period ended first. */
  | { readonly type: 'cutOff' };

export interface PreStop {
  readonly hook: LifecycleHandler;
  readonly container: Container;
  /** Undefined for Pods on the host's network: the runtime knows no address of theirs. */
  readonly podIp: string | undefined;
  readonly graceSeconds: number;
  readonly network: NodeNetwork;
  readonly clock: Clock;
}

/** Runs a hook for at most the grace period; never rejects unless `signal` aborts. */
export function runPreStop(preStop: PreStop, signal: AbortSignal): Promise<HookOutcome> {
  const { clock, graceSeconds } = preStop;
  const cutOff = Promise.withResolvers<HookOutcome>();
  const timer = clock.schedule(graceSeconds * 1000, () => cutOff.resolve({ type: 'cutOff' }));
  return Promise.race([perform(preStop, signal), cutOff.promise]).finally(() => timer.cancel());
}

async function perform(preStop: PreStop, signal: AbortSignal): Promise<HookOutcome> {
  const { hook, clock } = preStop;
  if (hook.sleep) {
    await sleep(clock, hook.sleep.seconds * 1000, signal).catch(() => undefined);
    return { type: 'slept' };
  }
  if (!hook.httpGet) return { type: 'failed', message: 'only httpGet and sleep hooks are supported here' };
  return call(preStop, hook.httpGet, signal);
}

async function call(preStop: PreStop, action: HttpGetAction, signal: AbortSignal): Promise<HookOutcome> {
  const host = action.host || preStop.podIp;
  const port = portNumber(action.port, preStop.container);
  if (!host) return { type: 'failed', message: 'failed to find networking container' };
  if (port === undefined) return { type: 'failed', message: `the container declares no port ${action.port}` };
  try {
    const headers = { ...headersOf(action), 'user-agent': 'kube-lifecycle/1.34' };
    const target = { host, port, path: pathOf(action), headers, timeoutMs: HOOK_CALL_LIMIT_MS };
    const { status } = await preStop.network.httpGet(target, signal);
    return { type: 'answered', status };
  } catch (error) {
    return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

/** Named ports are those of the container that has the hook or probe. */
export function portNumber(port: number | string, container: Container): number | undefined {
  if (typeof port === 'number') return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort;
}

export function pathOf({ path = '/' }: HttpGetAction): string {
  return path.startsWith('/') ? path : `/${path}`;
}

export function headersOf({ httpHeaders = [] }: HttpGetAction): Record<string, string> {
  return Object.fromEntries(httpHeaders.map(({ name, value }) => [name.toLowerCase(), value]));
}
