import type { CloudError } from '../cloud/types.ts';
import { ownerName } from './owner.ts';
import type { Problem } from './problem.ts';
import type { ServiceIntent } from './service-intent.ts';

/** What CLB has against a load balancer of a Service, as its user has to see it. */
export function cloudProblem(service: ServiceIntent['service'], error: CloudError): Problem {
  const message = `${ownerName(service)}: ${error.message}. ${error.hint}`;
  return { code: error.code, reason: 'LoadBalancerFailed', message };
}
