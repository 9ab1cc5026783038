import type { CompatibilityRow } from './compatibility-row.ts';

/** What stands on Pods and in their templates. */
export const POD_ROWS: readonly CompatibilityRow[] = [
  {
    key: 'service.cloud.tencent.com/custom-weight',
    on: 'Pod',
    since: 'service 2.4.0',
    status: 'done',
    what: 'The weight of the Pod, 0 to 100. A value that is none is warned of at admission, and the Pod serves with the default.',
    test: 'test/simulation/bad-input.test.ts > a malformed weight and drain budget are warned of at admission, and the Pods serve with the defaults',
  },
  {
    key: 'ingress.cloud.tencent.com/custom-weight',
    on: 'Pod',
    since: 'ingress 2.6.0',
    status: 'done',
    what: 'The same on rules of Ingresses, where the one for Services says nothing.',
    test: 'test/compatibility/ingress-rules.test.ts > give a Pod the weight that it has for Ingresses, and none for Services',
  },
  {
    key: 'spec.readinessGates: cloud.tencent.com/load-balancer-backendgroup-ready',
    on: 'Pod',
    status: 'read-only',
    what:
      "It is TKE's own, and stays shut while TKE's controller skips the Service. A Pod that waits for nothing else is named in " +
      'an Event on its Service (CD1027), and is opened once the gate is.',
    insteadUse: 'a new Pod: delete those that the Event names.',
    test: "test/compatibility/tke-hand-over.test.ts > tells of Pods that wait for TKE's readiness gate, which nobody opens, until they are gone",
  },
  {
    key: 'Pods of GlobalRouter (tke-bridge)',
    on: 'Pod',
    status: 'refused',
    what: 'CLB does not reach them without a network of its own: they are not bound, and an Event on the Service names them (CD1012).',
    insteadUse: 'Pods of VPC-CNI, which the Pod template asks for as the Event says.',
    test: 'test/simulation/load-balancers/status.test.ts > are told on the Service and in their gates, and never bound; the others are',
  },
];
