import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import type { Service, ServicePort } from '../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import { LOAD_BALANCER_ID_ANNOTATION } from '../../common/names.ts';
import type { Random } from '../../common/random.ts';
import { type OwnerRecord, ownerRecord } from './owner-record.ts';

/** The fields of a Service that decisions read. */
export interface ServiceRecord extends OwnerRecord {
  readonly type: string;
  readonly loadBalancerClass: string | undefined;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
  readonly publishNotReadyAddresses: boolean;
  /** How long clients stay with their Pod; undefined unless the Service has them do so. */
  readonly affinitySeconds?: number;
  /** CIDRs. */
  readonly sourceRanges?: readonly string[];
}

export interface ServiceReflectorOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly names: InstanceNames;
  readonly onEvent: (event: ReflectorEvent<ServiceRecord>) => void;
}

/** Keeps all Services of all namespaces until `signal` aborts. */
export function runServiceReflector(options: ServiceReflectorOptions, signal: AbortSignal): Promise<void> {
  const { transport, clock, random, log, onEvent } = options;
  return runReflector<Service, ServiceRecord>(
    {
      transport,
      clock,
      random,
      path: '/api/v1/services',
      project: service => serviceRecord(service, options.names),
      onEvent,
      onError: error => log.warn('Services were not listed or watched, will try again', { error }),
    },
    signal,
  );
}

export function serviceRecord(service: Service, names: InstanceNames): ServiceRecord {
  const { spec } = service;
  return {
    ...ownerRecord(service, LOAD_BALANCER_ID_ANNOTATION, names),
    type: spec.type ?? 'ClusterIP',
    loadBalancerClass: spec.loadBalancerClass,
    selector: spec.selector ?? {},
    ports: spec.ports ?? [],
    publishNotReadyAddresses: spec.publishNotReadyAddresses ?? false,
    ...(spec.sessionAffinity === 'ClientIP' && { affinitySeconds: affinitySeconds(spec) }),
    ...(spec.loadBalancerSourceRanges && { sourceRanges: spec.loadBalancerSourceRanges }),
  };
}

/** Kubernetes' own default is three hours. */
function affinitySeconds({ sessionAffinityConfig }: Service['spec']): number {
  return sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800;
}
