import type { Container, PodSpec } from '../kube/objects.ts';

/** The containers that run while the Pod serves: the ordinary ones and sidecars (init containers that restart always). */
export function servingContainers(spec: PodSpec): Container[] {
  const sidecars = (spec.initContainers ?? []).filter(container => container.restartPolicy === 'Always');
  return [...spec.containers, ...sidecars];
}
