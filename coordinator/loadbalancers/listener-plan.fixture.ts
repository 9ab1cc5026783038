import { Protocol } from '../../common/pod-record.ts';
import type { Listener } from '../cloud/types.ts';
import { listenerName } from './listener-name.ts';
import { planListeners } from './listener-plan.ts';
import type { ListenerPlan, ListenerPlanInput, Tenant } from './listener-plan-types.ts';
import { serviceIntent } from './service-intent.fixture.ts';
import type { RuleIntent, ServiceIntent } from './service-intent.ts';

export const CLUSTER = 'c1';

export function rule(name: string, port: number, protocol: Protocol): RuleIntent {
  const service = { namespace: 'default', name, uid: `${name}-service-uid` };
  const id = `${service.uid}/${protocol === Protocol.UDP ? 'UDP' : 'TCP'}/${port}`;
  return { id, service, protocol, port, selector: {}, targetPort: port, publishNotReadyAddresses: false };
}

/** Service `default/<name>` with TCP ports, or `udp:<port>`. */
export function intent(
  name: string,
  ports: readonly (number | `udp:${number}`)[],
  fields: Partial<ServiceIntent> = {},
): ServiceIntent {
  const rules = ports.map(port =>
    typeof port === 'number' ? rule(name, port, Protocol.TCP) : rule(name, Number(port.slice(4)), Protocol.UDP),
  );
  return serviceIntent({ service: { namespace: 'default', name, uid: `${name}-service-uid` }, rules, ...fields });
}

export function tenant(wanted: ServiceIntent, fields: Partial<Tenant> = {}): Tenant {
  return { intent: wanted, role: 'wanted', mayMake: true, denial: undefined, ...fields };
}

export function listener(port: number, owner: string | undefined, protocol: Listener['protocol'] = 'TCP'): Listener {
  const name = owner === undefined ? 'made by hand' : listenerName(CLUSTER, `${owner}-service-uid`);
  return { id: `lbl-${port}-${protocol}`, name, protocol, port, healthCheck: true, forwardingRules: [] };
}

export function plan(
  tenants: readonly Tenant[],
  listeners: readonly Listener[] = [],
  fields: Partial<ListenerPlanInput> = {},
) {
  return planListeners({
    loadBalancer: { id: 'lb-1', tags: {} },
    tenants,
    isComplete: true,
    areIngressesKnown: true,
    listeners,
    cluster: CLUSTER,
    clusterName: 'prod',
    healthCheck: undefined,
    namespacesBoundAt: () => new Set(),
    mayHide: () => false,
    ...fields,
  });
}

/** `create TCP 80,81 for clb-direct-c1-web-serv` */
export function described({ work }: Pick<ListenerPlan, 'work'>): string[] {
  return work.map(item => {
    switch (item.kind) {
      case 'create':
        return `create ${item.request.protocol} ${item.request.ports.join(',')} for ${item.request.name}`;
      case 'delete':
        return `delete ${item.listenerIds.join(',')}`;
      case 'create-rules':
        return `create ${item.requests.map(({ domain, url }) => domain + url).join(',')} on ${item.listenerId}`;
      case 'delete-rules':
        return `delete ${item.locationIds.join(',')} of ${item.listenerId}`;
      default:
        throw new Error('unknown work');
    }
  });
}

/** What has to be done for Services that want this load balancer. */
export function work(intents: readonly ServiceIntent[], listeners: readonly Listener[] = []): string[] {
  return described(
    plan(
      intents.map(each => tenant(each)),
      listeners,
    ),
  );
}
