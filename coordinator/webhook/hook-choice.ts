import type { InstanceNames } from '../../common/instance-names.ts';
import type { Container, Pod, Probe } from '../../common/kube/objects.ts';
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

/** What the cluster is set up for. */
export interface ConfiguredHook {
  readonly hookMode: HookMode;
  readonly names: Pick<InstanceNames, 'hookPort'>;
}

export function hookChoice(pod: Pod, configured: ConfiguredHook, surroundings: Surroundings): HookChoice {
  const obstacle = obstacleTo(pod, configured.names.hookPort);
  const canRedirect = obstacle === undefined;
  if (obstacle && obstacle.mode === 'sleep') return { mode: 'sleep', canRedirect, shortfall: obstacle.reason };
  const mode = obstacle?.mode ?? configured.hookMode;
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
function obstacleTo(
  pod: Pod,
  hookPort: number,
): { readonly mode: 'loopback' | 'sleep'; readonly reason: string } | undefined {
  if (eniMark(pod) === 'superNode' || toleratesSuperNode(pod)) {
    return { mode: 'sleep', reason: 'super nodes have no agent' };
  }
  const occupant = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(container =>
    occupies(container, hookPort),
  );
  if (occupant) {
    return { mode: 'sleep', reason: `container "${occupant.name}" uses port ${hookPort}; use another port` };
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
function occupies(container: Container, hookPort: number): boolean {
  const probes = [container.readinessProbe, container.livenessProbe, container.startupProbe];
  return (container.ports ?? []).some(port => port.containerPort === hookPort) || probes.some(asks);
  function asks(probe: Probe | undefined): boolean {
    return Number(probe?.httpGet?.port) === hookPort || Number(probe?.tcpSocket?.port) === hookPort;
  }
}
