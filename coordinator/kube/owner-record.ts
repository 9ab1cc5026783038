import type { InstanceNames } from '../../common/instance-names.ts';
import type { ObjectMeta } from '../../common/kube/objects.ts';
import { type AdoptedListener, adoptedListeners, recordedLoadBalancers } from './load-balancer-record.ts';

/** Of a Service or an Ingress: what has to be known to claim it, to record what is made for it, and to tell its address. */
export interface OwnerRecord {
  /** A Service unless told. */
  readonly kind?: 'Service' | 'Ingress';
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
  readonly annotations: Readonly<Record<string, string>>;
  /** As written by TKE and by us. */
  readonly loadBalancerId: string | undefined;
  /** Every load balancer that may hold listeners of the object, as written by us before they were made. */
  readonly recorded: readonly string[];
  /** Listeners of others that the object uses, as written by us before they were used. */
  readonly adopted: readonly AdoptedListener[];
  readonly ingress: readonly { readonly ip?: string; readonly hostname?: string }[];
}

export interface OwnerObject {
  readonly metadata: ObjectMeta;
  readonly status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

/** `idAnnotation`: where the kind has the id of its load balancer. */
export function ownerRecord(
  { metadata, status }: OwnerObject,
  idAnnotation: string,
  names: InstanceNames,
): OwnerRecord {
  const annotations = metadata.annotations ?? {};
  const finalizers = metadata.finalizers ?? [];
  return {
    uid: metadata.uid ?? '',
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    resourceVersion: metadata.resourceVersion ?? '',
    createdAt: metadata.creationTimestamp ?? '',
    deleting: metadata.deletionTimestamp !== undefined,
    finalized: finalizers.includes(names.finalizer),
    finalizers,
    annotations,
    loadBalancerId: annotations[idAnnotation],
    recorded: recordedLoadBalancers(annotations, names),
    adopted: adoptedListeners(annotations, names),
    ingress: status?.loadBalancer?.ingress ?? [],
  };
}
