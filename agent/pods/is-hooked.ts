import type { Container, Pod } from '../../common/kube/objects.ts';
import { HOOK_PATH, HOOK_PORT } from '../../common/names.ts';
import { servingContainers } from './serving-containers.ts';

/**
 * Whether the node leads calls to the Pod's port 19440 to the agent: some container's preStop calls it without naming a
 * host, and no container claims the port for itself. The kubelet finds no address for hostNetwork Pods.
 */
export function isHooked(pod: Pod): boolean {
  if (pod.spec.hostNetwork) return false;
  const containers = servingContainers(pod.spec);
  return containers.some(callsHook) && !containers.some(declaresHookPort);
}

function callsHook({ lifecycle }: Container): boolean {
  const action = lifecycle?.preStop?.httpGet;
  if (!action || action.host) return false;
  return Number(action.port) === HOOK_PORT && action.path === HOOK_PATH;
}

function declaresHookPort({ ports = [] }: Container): boolean {
  return ports.some(({ containerPort, protocol = 'TCP' }) => containerPort === HOOK_PORT && protocol === 'TCP');
}
