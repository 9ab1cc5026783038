import type { Clock } from '../../common/clock.ts';
import type { Service, ServicePort } from '../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import { FINALIZER, LOAD_BALANCER_ID_ANNOTATION } from '../../common/names.ts';
import type { Random } from '../../common/random.ts';
import { type AdoptedListener, adoptedListeners, recordedLoadBalancers } from './load-balancer-record.ts';

/** The fields of a Service that decisions read. */
export interface ServiceRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  /** RFC 3339, in UTC, to the second: the earlier one sorts first. */
  readonly createdAt: string;
  readonly deleting: boolean;
  /** Our finalizer is on it. */
  readonly finalized: boolean;
  readonly finalizers: readonly string[];
  readonly type: string;
  readonly loadBalancerClass: string | undefined;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
  readonly publishNotReadyAddresses: boolean;
  /** How long clients stay with their Pod; undefined unless the Service has them do so. */
  readonly affinitySeconds?: number;
  /** CIDRs. */
  readonly sourceRanges?: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  /** As written by TKE and by us. */
  readonly loadBalancerId: string | undefined;
  /** Every load balancer that may hold listeners of the Service, as written by us before they were made. */
  readonly recorded: readonly string[];
  /** Listeners of others that the Service uses, as written by us before they were used. */
  readonly adopted: readonly AdoptedListener[];
  readonly ingress: readonly { readonly ip?: string; readonly hostname?: string }[];
}

export interface ServiceReflectorOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
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
      project: serviceRecord,
      onEvent,
      onError: error => log.warn('Services were not listed or watched, will try again', { error }),
    },
    signal,
  );
}

export function serviceRecord(service: Service): ServiceRecord {
  const { metadata, spec, status } = service;
  const annotations = metadata.annotations ?? {};
  const finalizers = metadata.finalizers ?? [];
  return {
    uid: metadata.uid ?? '',
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    resourceVersion: metadata.resourceVersion ?? '',
    createdAt: metadata.creationTimestamp ?? '',
    deleting: metadata.deletionTimestamp !== undefined,
    finalized: finalizers.includes(FINALIZER),
    finalizers,
    type: spec.type ?? 'ClusterIP',
    loadBalancerClass: spec.loadBalancerClass,
    selector: spec.selector ?? {},
    ports: spec.ports ?? [],
    publishNotReadyAddresses: spec.publishNotReadyAddresses ?? false,
    ...(spec.sessionAffinity === 'ClientIP' && { affinitySeconds: affinitySeconds(spec) }),
    ...(spec.loadBalancerSourceRanges && { sourceRanges: spec.loadBalancerSourceRanges }),
    annotations,
    loadBalancerId: annotations[LOAD_BALANCER_ID_ANNOTATION],
    recorded: recordedLoadBalancers(annotations),
    adopted: adoptedListeners(annotations),
    ingress: status?.loadBalancer?.ingress ?? [],
  };
}

/** Kubernetes' own default is three hours. */
function affinitySeconds({ sessionAffinityConfig }: Service['spec']): number {
  return sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800;
}
