import type { Pod, Service } from '../../../common/kube/objects.ts';
import {
  CUSTOM_WEIGHT_ANNOTATION,
  DIRECT_ACCESS_ANNOTATION,
  EXISTING_LOAD_BALANCER_ANNOTATION,
} from '../../../common/names.ts';

/**
 * What users ask for, worked out from the API server's objects alone and as simply as it can be said: the measure that the
 * cloud is held against. Nothing of the product's own reasoning is used.
 */

/** One port of a claimed Service. */
export interface WantedPort {
  readonly service: Service;
  readonly protocol: string;
  readonly port: number;
  readonly targetPort: number;
}

export interface WantedTarget {
  readonly podUid: string;
  readonly podName: string;
  readonly weight: number;
}

const DEFAULT_WEIGHT = 10;

export function isClaimed({ metadata, spec }: Service): boolean {
  const isAsked = metadata.annotations?.[DIRECT_ACCESS_ANNOTATION] === 'true';
  return isAsked && spec.type === 'LoadBalancer' && metadata.deletionTimestamp === undefined;
}

/** The load balancer that the Service names; undefined: one is to be made for it. */
export function existingOf({ metadata }: Service): string | undefined {
  return metadata.annotations?.[EXISTING_LOAD_BALANCER_ANNOTATION];
}

export function wantedPorts(service: Service): readonly WantedPort[] {
  if (!isClaimed(service)) return [];
  return (service.spec.ports ?? []).map(({ protocol = 'TCP', port, targetPort }) => ({
    service,
    protocol,
    port,
    targetPort: Number(targetPort ?? port),
  }));
}

/** By `address:port`, what is to stand on the port's listener. */
export function wantedTargets(wanted: WantedPort, pods: readonly Pod[]): ReadonlyMap<string, WantedTarget> {
  const serving = pods.filter(pod => selects(wanted.service, pod) && isServing(pod));
  return new Map(
    serving.map(pod => {
      const { uid = '', name } = pod.metadata;
      return [`${pod.status?.podIP}:${wanted.targetPort}`, { podUid: uid, podName: name, weight: weightOf(pod) }];
    }),
  );
}

export function selects({ metadata, spec }: Service, pod: Pod): boolean {
  const wanted = Object.entries(spec.selector ?? {});
  const isChosen = wanted.every(([key, value]) => pod.metadata.labels?.[key] === value);
  return wanted.length > 0 && isChosen && metadata.namespace === pod.metadata.namespace;
}

export function isServing(pod: Pod): boolean {
  return isLiving(pod) && hasCondition(pod, 'ContainersReady');
}

export function isLiving({ metadata, status }: Pod): boolean {
  const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return metadata.deletionTimestamp === undefined && status?.podIP !== undefined && !isOver;
}

export function hasCondition({ status }: Pod, type: string): boolean {
  return status?.conditions?.some(condition => condition.type === type && condition.status === 'True') === true;
}

export function weightOf({ metadata }: Pod): number {
  return Number(metadata.annotations?.[CUSTOM_WEIGHT_ANNOTATION] ?? DEFAULT_WEIGHT);
}
