import type { Container, Pod } from '../kube/objects.ts';
import { HOOK_PATH } from '../names.ts';
import { servingContainers } from './serving-containers.ts';

/** How a Pod's preStop calls reach the agent. */
export type PodHook =
  | { readonly type: 'none' }
  /** At the Pod's own address, which the node redirects. */
  | { readonly type: 'redirected' }
  /** At 127.0.0.1, with a token that stands for the Pod. */
  | { readonly type: 'token'; readonly token: string };

export const LOOPBACK = '127.0.0.1';
/** Of shorter tokens one could be guessed; longer ones nobody makes. */
const TOKEN_PATH = new RegExp(`^${HOOK_PATH}/([A-Za-z0-9_-]{16,128})$`);

/**
 * Which hook the containers' preStop calls. A call without a host is redirected, unless a container claims the port for
 * itself, be it only for its probes, or the Pod is on the host's network, where the kubelet finds no address to call.
 */
export function podHook(pod: Pod, hookPort: number): PodHook {
  const containers = servingContainers(pod.spec);
  const [token] = containers.flatMap(container => hookToken(container, hookPort) ?? []);
  if (token !== undefined) return { type: 'token', token };
  const isClaimed = containers.some(container => claims(container, hookPort));
  const isRedirected = containers.some(container => isRedirectedHook(container, hookPort));
  if (pod.spec.hostNetwork || isClaimed || !isRedirected) return { type: 'none' };
  return { type: 'redirected' };
}

/** The token with which the container's preStop calls the loopback address; undefined unless it does. */
export function hookToken({ lifecycle }: Container, hookPort: number): string | undefined {
  const action = lifecycle?.preStop?.httpGet;
  if (action?.host !== LOOPBACK || Number(action.port) !== hookPort) return undefined;
  return TOKEN_PATH.exec(action.path ?? '')?.[1];
}

/** Whether the container's preStop calls the Pod's own address. */
export function isRedirectedHook({ lifecycle }: Container, hookPort: number): boolean {
  const action = lifecycle?.preStop?.httpGet;
  if (!action || action.host) return false;
  return Number(action.port) === hookPort && action.path === HOOK_PATH;
}

/** Declares the port, or is probed there. */
function claims({ ports = [], ...probed }: Container, hookPort: number): boolean {
  const probes = [probed.readinessProbe, probed.livenessProbe, probed.startupProbe];
  return (
    ports.some(({ containerPort, protocol = 'TCP' }) => containerPort === hookPort && protocol === 'TCP') ||
    probes.some(probe => Number(probe?.httpGet?.port ?? probe?.tcpSocket?.port) === hookPort)
  );
}
