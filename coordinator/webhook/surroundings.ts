import type { NamespaceRecord } from '../kube/namespace-reflector.ts';

/** What a Pod at creation does not say itself. */
export interface Surroundings {
  /** Empty when nobody said it. */
  readonly namespaceName: string;
  /** Undefined as long as it is not known. */
  readonly namespace: NamespaceRecord | undefined;
  /** A Service or Ingress that is ours to serve selects the Pod, as far as is known. */
  readonly isSelected: boolean;
  /** How long a preStop that cannot ask has to sleep for the Pod's load balancers to let it go. */
  readonly sleepSeconds: number;
}

/** Nobody has measured a drain on the load balancer: long enough for a write that waits for another, and for settling. */
export const SLEEP_SECONDS_DEFAULT = 15;

/** Of a replica that knows nothing yet, and where no cluster is asked. */
export const UNKNOWN_SURROUNDINGS: Surroundings = {
  namespaceName: '',
  namespace: undefined,
  isSelected: false,
  sleepSeconds: SLEEP_SECONDS_DEFAULT,
};
