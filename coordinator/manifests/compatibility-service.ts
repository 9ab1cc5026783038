import type { CompatibilityRow } from './compatibility-row.ts';

/** What stands on Services. */
export const SERVICE_ROWS: readonly CompatibilityRow[] = [
  {
    key: 'service.cloud.tencent.com/direct-access',
    on: 'Service',
    status: 'done',
    what: '`"true"` binds the Pods of the Service; without it, and without our class, the Service is not ours.',
    test: 'test/simulation/bad-input.test.ts > a new Service with an unknown direct-access value gets an Event and nothing else',
  },
  {
    key: 'service.kubernetes.io/tke-existed-lbid',
    on: 'Service',
    status: 'done',
    what: 'The Service uses this load balancer. It may be changed: the new one takes over before the old one is left.',
    test: 'test/simulation/bad-input.test.ts > a load balancer id that does not exist is told, looked for ever more rarely, and found once it is there',
  },
  {
    key: 'service.kubernetes.io/qcloud-loadbalancer-internal-subnetid',
    on: 'Service',
    status: 'done',
    what: 'A private load balancer is made in this subnet.',
    test: 'test/simulation/load-balancers/creation.test.ts > each of many Services gets its own, internal where it names a subnet',
  },
];
