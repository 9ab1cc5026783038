/** Objects of the kinds that the product and kubectl handle; none of them makes anything run. */

const container = { name: 'web', image: 'pause', ports: [{ containerPort: 80 }] };

export function configMap(name: string, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data: { key: 'value' } };
}

/** No scheduler takes it, so it stays as it was made. */
export function pod(name: string, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { schedulerName: 'nobody', containers: [container], ...spec },
  };
}

export function deployment(name: string): object {
  return workload('Deployment', name, { replicas: 0 });
}

/** Of the group `apps`. */
export function workload(kind: string, name: string, spec: object): object {
  const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'pause' }] } };
  const selector = { matchLabels: { app: name } };
  return { apiVersion: 'apps/v1', kind, metadata: { name }, spec: { ...spec, selector, template } };
}

export function service(name: string): object {
  const spec = { selector: { app: name }, ports: [{ port: 80 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

export function ingress(name: string): object {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const rules = [{ host: 'a.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }];
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name }, spec: { rules } };
}

export function lease(name: string, spec: object = {}): object {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
}

export function event(name: string, namespace: string): object {
  const involvedObject = { apiVersion: 'v1', kind: 'Service', namespace, name: 'web' };
  const told = { type: 'Warning', reason: 'CD2001', message: 'refused', count: 1, source: { component: 'clb-direct' } };
  const times = { firstTimestamp: '2026-11-22T08:00:00Z', lastTimestamp: '2026-11-22T08:00:00Z' };
  return { apiVersion: 'v1', kind: 'Event', metadata: { name }, involvedObject, ...told, ...times };
}

export const customKindName = 'tkeserviceconfigs.cloud.tencent.com';

export function customResourceDefinition(): object {
  const names = { kind: 'TkeServiceConfig', plural: 'tkeserviceconfigs', singular: 'tkeserviceconfig' };
  const spec = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
  const version = { name: 'v1alpha1', served: true, storage: true, schema };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: customKindName },
    spec: {
      group: 'cloud.tencent.com',
      scope: 'Namespaced',
      names: { ...names, listKind: 'TkeServiceConfigList', shortNames: ['tsc'] },
      versions: [version],
    },
  };
}
