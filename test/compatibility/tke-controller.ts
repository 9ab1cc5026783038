import type { Estate } from '../simulation/load-balancers/estate.ts';

/** What TKE's own Service controller leaves behind when it is told to skip a Service. */
export interface TkeLegacy {
  readonly loadBalancerId: string;
  readonly vip: string;
  readonly listenerId: string;
}

export const TKE_FINALIZER = 'service.k8s.tencent/resources';
const SETTINGS = { Scheduler: 'LEAST_CONN', HealthCheck: { HealthSwitch: 1, IntervalTime: 7, HealthNum: 2 } };

/**
 * Makes of the Service `web`, which nobody serves, one that TKE's controller has served on a load balancer of its own:
 * tags, listener, targets, finalizer and annotations as that controller leaves them.
 */
export async function servedByTke(estate: Estate, serviceUid: string): Promise<TkeLegacy> {
  const loadBalancerId = 'lb-of-tke';
  const tags = {
    'tke-createdBy-flag': 'yes',
    'tke-clusterId': 'cls-a1b2c3d4',
    'tke-lb-serviceuuid': serviceUid,
    'tke-lifecycle-owner': 'tke',
    'clb-direct-allow': 'simulation',
  };
  const vip = estate.account.addLoadBalancer(loadBalancerId, {
    tags: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
  });
  const more = { ListenerNames: ['TKE-DEDICATED-LISTENER'], ...SETTINGS };
  const listenerId = estate.account.addListener(loadBalancerId, { port: 80, more });
  const addresses = await estate.addressesOfPods('web');
  estate.account.bind(
    loadBalancerId,
    listenerId,
    addresses.map(address => ({ address })),
  );
  await estate.patchService('web', {
    metadata: {
      finalizers: [TKE_FINALIZER],
      annotations: {
        'service.kubernetes.io/loadbalance-id': loadBalancerId,
        'service.cloud.tencent.com/client-token': '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
      },
    },
  });
  return { loadBalancerId, vip, listenerId };
}

/** TKE's own Service controller runs in this cluster. */
export async function installTke(estate: Estate): Promise<void> {
  await estate.world.create('/api/v1/namespaces', { metadata: { name: 'kube-system' } }).catch(() => undefined);
  await estate.world.create('/api/v1/namespaces/kube-system/configmaps', {
    metadata: { name: 'tke-service-controller-config' },
    data: { VERSION: 'v2.11.4' },
  });
}
