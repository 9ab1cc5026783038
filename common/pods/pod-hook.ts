import type { Container, Pod } from '../kube/objects.ts';
import { HOOK_PATH, HOOK_PORT } from '../names.ts';
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
export function podHook(pod: Pod): PodHook {
  const containers = servingContainers(pod.spec);
  const [token] = containers.flatMap(container => hookToken(container) ?? []);
  if (token !== undefined) return { type: 'token', token };
  const isClaimed = containers.some(declaresHookPort) || containers.some(probesHookPort);
  if (pod.spec.hostNetwork || isClaimed || !containers.some(isRedirectedHook)) return { type: 'none' };
  return { type: 'redirected' };
}

/** The token with which the container's preStop calls the loopback address; undefined unless it does. */
export function hookToken({ lifecycle }: Container): string | undefined {
  const action = lifecycle?.preStop?.httpGet;
  if (action?.host !== LOOPBACK || Number(action.port) !== HOOK_PORT) return undefined;
  return TOKEN_PATH.exec(action.path ?? '')?.[1];
}

/** Whether the container's preStop calls the Pod's own address. */
export function isRedirectedHook({ lifecycle }: Container): boolean {
  const action = lifecycle?.preStop?.httpGet;
  if (!action || action.host) return false;
  return Number(action.port) === HOOK_PORT && action.path === HOOK_PATH;
}

function declaresHookPort({ ports = [] }: Container): boolean {
  return ports.some(({ containerPort, protocol = 'TCP' }) => containerPort === HOOK_PORT && protocol === 'TCP');
}

function probesHookPort(container: Container): boolean {
  const probes = [container.readinessProbe, container.livenessProbe, container.startupProbe];
  return probes.some(probe => Number(probe?.httpGet?.port ?? probe?.tcpSocket?.port) === HOOK_PORT);
}
