import type { Container, Pod } from '../../common/kube/objects.ts';
import { HOOK_PATH, HOOK_PORT } from '../../common/names.ts';
import { servingContainers } from './serving-containers.ts';

/**
 * Whether the node leads calls to the Pod's port 19440 to the agent: some container's preStop calls it without naming a
 * host, and no container claims the port for itself, be it only for its
 * probes. The kubelet finds no address for hostNetwork Pods.
 */
export function isHooked(pod: Pod): boolean {
  if (pod.spec.hostNetwork) return false;
  const containers = servingContainers(pod.spec);
  return containers.some(callsHook) && !containers.some(declaresHookPort) && !containers.some(probesHookPort);
}

function callsHook({ lifecycle }: Container): boolean {
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
