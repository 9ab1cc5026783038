import type { Container, Pod, Probe } from '../../common/kube/objects.ts';
import { HOOK_PORT } from '../../common/names.ts';
import { eniMark, toleratesSuperNode } from './eni-marks.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * How a Pod's preStop reaches the drain. `redirect`: a call to the Pod's own address, which the node leads to the agent.
 * `loopback`: a call to the node's loopback address with a token of the Pod. `sleep`: it does not; the drain starts from
 * the watch, and the time it is likely to take is slept through.
 */
export const HOOK_MODES = ['redirect', 'loopback', 'sleep'] as const;
export type HookMode = (typeof HOOK_MODES)[number];

export interface HookChoice {
  readonly mode: HookMode;
  /** A call to the Pod's own address would reach the agent. */
  readonly canRedirect: boolean;
  /** Why it is not the closed loop, and what to do about it; undefined when it is. */
  readonly shortfall: string | undefined;
}

/** Pod Security Standards that refuse a hook with a host, be it 127.0.0.1. */
const REFUSING_LEVELS = ['baseline', 'restricted'];

/** The hook for the Pod where `configured` is what the cluster is set up for. */
export function hookChoice(pod: Pod, configured: HookMode, surroundings: Surroundings): HookChoice {
  const obstacle = obstacleTo(pod);
  const canRedirect = obstacle === undefined;
  if (obstacle && obstacle.mode === 'sleep') return { mode: 'sleep', canRedirect, shortfall: obstacle.reason };
  const mode = obstacle?.mode ?? configured;
  switch (mode) {
    case 'redirect':
      return { mode, canRedirect, shortfall: undefined };
    case 'loopback': {
      const refusal = refusalOf(surroundings);
      return { mode: refusal === undefined ? mode : 'sleep', canRedirect, shortfall: refusal };
    }
    case 'sleep':
      return { mode, canRedirect, shortfall: 'the coordinators run with --hook-mode sleep' };
  }
}

/** What keeps a call to the Pod's own address from reaching the agent, and what is left instead. */
function obstacleTo(pod: Pod): { readonly mode: 'loopback' | 'sleep'; readonly reason: string } | undefined {
  if (eniMark(pod) === 'superNode' || toleratesSuperNode(pod)) {
    return { mode: 'sleep', reason: 'super nodes have no agent' };
  }
  const occupant = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(occupiesHookPort);
  if (occupant) {
    return { mode: 'sleep', reason: `container "${occupant.name}" uses port ${HOOK_PORT}; use another port` };
  }
  // The kubelet finds no address to call.
  return pod.spec.hostNetwork ? { mode: 'loopback', reason: 'hostNetwork' } : undefined;
}

/** Nobody may be kept from creating Pods by a hook of ours. */
function refusalOf({ namespace }: Surroundings): string | undefined {
  if (!namespace) return 'it is not known yet whether the namespace refuses hooks at 127.0.0.1';
  const level = namespace.podSecurity;
  if (level === undefined || !REFUSING_LEVELS.includes(level)) return undefined;
  return `Pod Security "${level}" refuses hooks at 127.0.0.1; --hook-mode redirect needs none`;
}

/** The node does not redirect calls to a port that the Pod itself answers or is probed on. */
function occupiesHookPort(container: Container): boolean {
  const probes = [container.readinessProbe, container.livenessProbe, container.startupProbe];
  return (container.ports ?? []).some(port => port.containerPort === HOOK_PORT) || probes.some(probesHookPort);
}

function probesHookPort(probe: Probe | undefined): boolean {
  return Number(probe?.httpGet?.port) === HOOK_PORT || Number(probe?.tcpSocket?.port) === HOOK_PORT;
}
