import type { LoadBalancer, LoadBalancerRequest } from '../cloud/types.ts';
import type { CreatedChoice } from './service-intent.ts';

/** What stands on load balancers that we made: whose they are, so that the next leader finds them again. */

const SERVICE_TAG = 'clb-direct-service';
const CLUSTER_TAG = 'clb-direct-cluster';
const SUBNET_TAG = 'clb-direct-subnet';

type Tags = LoadBalancerRequest['tags'];
type Tagged = Pick<LoadBalancer, 'tags'>;

export function clusterTags(cluster: string): Tags {
  return { [CLUSTER_TAG]: cluster };
}

export function serviceTags(cluster: string, serviceUid: string): Tags {
  return { ...clusterTags(cluster), [SERVICE_TAG]: serviceUid };
}

/** Of a load balancer that is to be made. */
export function creationTags(cluster: string, serviceUid: string, { subnetId }: CreatedChoice): Tags {
  return { ...serviceTags(cluster, serviceUid), ...(subnetId !== undefined && { [SUBNET_TAG]: subnetId }) };
}

/** UID of the Service that it was made for. */
export function serviceOf({ tags }: Tagged): string | undefined {
  return tags[SERVICE_TAG];
}

/** We made it for this Service. */
export function isMadeFor({ tags }: Tagged, cluster: string, serviceUid: string): boolean {
  return tags[CLUSTER_TAG] === cluster && tags[SERVICE_TAG] === serviceUid;
}

/** TKE's own controller made it for this Service or Ingress, by the tags that it has now or had once. */
export function isMadeByTkeFor({ tags }: Tagged, uid: string): boolean {
  const owners = ['tke-lb-serviceuuid', 'tke-lb-serviceId', 'tke-lb-ingress-uuid'].map(key => tags[key]);
  return tags['tke-createdBy-flag'] === 'yes' && owners.includes(uid);
}

/** It is of the kind that the Service asks for: public, or internal in this subnet. */
export function fits({ internal, tags }: LoadBalancer, { subnetId }: CreatedChoice): boolean {
  const madeIn = tags[SUBNET_TAG];
  return internal === (subnetId !== undefined) && (madeIn === undefined || madeIn === subnetId);
}
