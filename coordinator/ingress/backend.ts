import type { IngressBackendRecord, IngressRecord } from '../kube/ingress-reflector.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import { ownerName } from '../loadbalancers/owner.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import type { RuleIntent } from '../loadbalancers/service-intent.ts';

/** Which Pods a rule leads to. */
export type Backend = Pick<RuleIntent, 'selector' | 'targetPort' | 'publishNotReadyAddresses'>;

/** Selects no Pod. */
const NOBODY: Backend = { selector: {}, targetPort: 0, publishNotReadyAddresses: false };

export interface FoundBackend {
  readonly backend: Backend;
  /** Why it leads to no Pod. */
  readonly problem: Problem | undefined;
}

/** The rule of a backend that is not there is made all the same, and answers 5xx until the backend is there. */
export function backendOf(
  ingress: IngressRecord,
  { serviceName, port }: IngressBackendRecord,
  serviceOf: (name: string) => ServiceRecord | undefined,
): FoundBackend {
  const missing = (why: string): FoundBackend => ({ backend: NOBODY, problem: backendMissing(ingress, why) });
  if (serviceName === '') return missing('a backend is a resource, and only Services are served');
  const service = serviceOf(serviceName);
  if (!service) return missing(`its backend Service ${serviceName} does not exist in the namespace`);
  if (Object.keys(service.selector).length === 0) return missing(`its backend Service ${serviceName} selects no Pods`);
  const found = service.ports.find(each => each.port === port || (each.name !== undefined && each.name === port));
  if (!found) return missing(`its backend Service ${serviceName} has no port ${port}`);
  if (found.protocol === 'UDP' || found.protocol === 'SCTP') {
    return missing(`port ${port} of its backend Service ${serviceName} is ${found.protocol}, which carries no HTTP`);
  }
  const { selector, publishNotReadyAddresses } = service;
  return {
    backend: { selector, targetPort: found.targetPort ?? found.port, publishNotReadyAddresses },
    problem: undefined,
  };
}

function backendMissing(ingress: IngressRecord, why: string): Problem {
  return problem(
    'CD1040',
    `${ownerName(ingress)}: ${why}. Correct the backend or create what it names; its rules lead to no Pod until then, and ` +
      'the others are served.',
  );
}
