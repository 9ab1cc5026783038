import type { LoadBalancer } from '../cloud/types.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';
import type { ServiceIntent } from './service-intent.ts';

/** Tag of a load balancer: who may use what others made on it. Entries `<cluster>` or `<cluster>/<namespace>`, by commas. */
const ALLOW_TAG = 'clb-direct-allow';

/** Whether the load balancer's owner lets the namespace of this cluster use it. */
export function isAllowed({ tags }: Pick<LoadBalancer, 'tags'>, clusterName: string, namespace: string): boolean {
  const entries = (tags[ALLOW_TAG] ?? '').split(',').map(entry => entry.trim());
  return entries.includes(clusterName) || entries.includes(`${clusterName}/${namespace}`);
}

/** The Service may not use `what` (a load balancer, or a listener on it) without the tag. */
export function notAllowed(
  service: ServiceIntent['service'],
  options: { readonly what: string; readonly loadBalancerId: string; readonly clusterName: string },
): Problem {
  const { what, loadBalancerId, clusterName } = options;
  return problem(
    'CD1008',
    `${ownerName(service)} may not use ${what}: the tag ${ALLOW_TAG} of load balancer ${loadBalancerId} does ` +
      `not list "${clusterName}" or "${clusterName}/${service.namespace}". Add one of them to the tag's value ` +
      '(entries are separated by commas); until then nothing is made there.',
  );
}
