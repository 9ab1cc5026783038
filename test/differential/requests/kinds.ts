import { namespace } from '../side.ts';
import { configMap, deployment, event, ingress, lease, pod, service, workload } from './bodies.ts';

/** A kind whose objects go through everything that the product and kubectl do to objects. */
export interface ComparedKind {
  readonly kind: string;
  /** Of the collection. */
  readonly path: string;
  body(name: string): object;
  /** What controllers write whenever they come to it. */
  readonly foreign?: readonly ('status' | 'annotations')[];
  /** Whether an object is still there for a while after its deletion. */
  readonly lingers?: true;
}

function inNamespace(groupVersion: string, resource: string): string {
  return `/${groupVersion}/namespaces/${namespace}/${resource}`;
}

/** Answers to nothing: the group has no objects. */
const webhooks = [
  {
    name: 'nothing.example.com',
    clientConfig: { url: 'https://127.0.0.1:1/' },
    rules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  },
];

export const comparedKinds: readonly ComparedKind[] = [
  { kind: 'ConfigMap', path: inNamespace('api/v1', 'configmaps'), body: configMap },
  {
    kind: 'Secret',
    path: inNamespace('api/v1', 'secrets'),
    body: name => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: { key: 'dmFsdWU=' } }),
  },
  { kind: 'Service', path: inNamespace('api/v1', 'services'), body: service },
  { kind: 'Event', path: inNamespace('api/v1', 'events'), body: name => event(name, namespace) },
  { kind: 'Pod', path: inNamespace('api/v1', 'pods'), body: pod },
  { kind: 'Lease', path: inNamespace('apis/coordination.k8s.io/v1', 'leases'), body: lease },
  { kind: 'Ingress', path: inNamespace('apis/networking.k8s.io/v1', 'ingresses'), body: ingress },
  {
    kind: 'Deployment',
    path: inNamespace('apis/apps/v1', 'deployments'),
    body: deployment,
    foreign: ['status', 'annotations'],
  },
  {
    kind: 'ReplicaSet',
    path: inNamespace('apis/apps/v1', 'replicasets'),
    body: name => workload('ReplicaSet', name, { replicas: 0 }),
    foreign: ['status'],
  },
  {
    kind: 'DaemonSet',
    path: inNamespace('apis/apps/v1', 'daemonsets'),
    body: name => {
      const { spec, ...rest } = workload('DaemonSet', name, {}) as { spec: { template: { spec: object } } };
      const template = { ...spec.template, spec: { ...spec.template.spec, nodeSelector: { never: 'there' } } };
      return { ...rest, spec: { ...spec, template } };
    },
    foreign: ['status', 'annotations'],
  },
  {
    kind: 'StatefulSet',
    path: inNamespace('apis/apps/v1', 'statefulsets'),
    body: name => workload('StatefulSet', name, { replicas: 0, serviceName: name }),
    foreign: ['status'],
  },
  {
    kind: 'EndpointSlice',
    path: inNamespace('apis/discovery.k8s.io/v1', 'endpointslices'),
    body: name => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.2.3'] }],
      ports: [{ port: 80 }],
    }),
  },
  {
    kind: 'MutatingWebhookConfiguration',
    path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    body: name => ({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name },
      webhooks,
    }),
  },
  {
    kind: 'TkeServiceConfig',
    path: inNamespace('apis/cloud.tencent.com/v1alpha1', 'tkeserviceconfigs'),
    body: name => ({
      apiVersion: 'cloud.tencent.com/v1alpha1',
      kind: 'TkeServiceConfig',
      metadata: { name },
      spec: { loadBalancer: { l7Listeners: [{ protocol: 'HTTP', port: 80 }] } },
    }),
  },
  {
    kind: 'Namespace',
    path: '/api/v1/namespaces',
    body: name => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    lingers: true,
  },
  {
    kind: 'Node',
    path: '/api/v1/nodes',
    body: name => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } }),
    foreign: ['status', 'annotations'],
  },
];
