import type { KubeObject } from '../../../common/kube/objects.ts';
import type { KubeResponse } from '../../../common/kube/transport.ts';
import { paths, type Side, succeed } from '../side.ts';
import { ingress, pod, service } from './bodies.ts';
import { type ComparedRequest, create, get, made, patch, put, remove, withoutStatus } from './compared-request.ts';

const { deployments, ingresses, pods, serviceAccounts, services } = paths;
const judged = `${pods}/judged`;
const served = { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } };

/** Graceful deletion, evictions, and what has a subresource of its own. */
export const subresources: readonly ComparedRequest[] = [
  {
    name: 'delete a Pod of no node',
    async send(side) {
      await made(side, pods, pod('waiting'));
      await remove(side, `${pods}/waiting`);
      return get(side, `${pods}/waiting`);
    },
  },
  {
    name: 'delete a Pod gracefully',
    async send(side) {
      const held = { metadata: { name: 'bound', finalizers: ['example.com/hold'] } };
      await made(side, pods, { ...pod('bound', { nodeName: side.nodes[0] }), ...held });
      return withoutStatus(await remove(side, `${pods}/bound`, { gracePeriodSeconds: 20 }));
    },
  },
  {
    name: 'delete it again with less grace',
    send: async side => withoutStatus(await remove(side, `${pods}/bound`, { gracePeriodSeconds: 5 })),
  },
  {
    name: 'delete it again with more grace',
    async send(side) {
      const answer = await remove(side, `${pods}/bound`, { gracePeriodSeconds: 15 });
      await succeed(patch(side, `${pods}/bound`, 'merge', { metadata: { finalizers: null } }));
      return withoutStatus(answer);
    },
  },
  {
    name: 'delete a Pod at once',
    async send(side) {
      await made(side, pods, pod('forced', { nodeName: side.nodes[0] }));
      await remove(side, `${pods}/forced`, { gracePeriodSeconds: 0 });
      return get(side, `${pods}/forced`);
    },
  },
  {
    name: 'evict a Pod',
    async send(side) {
      await made(side, pods, pod('evicted'));
      return evict(side, 'evicted');
    },
  },
  {
    name: 'evict a Pod of another UID',
    async send(side) {
      await made(side, pods, pod('kept'));
      return evict(side, 'kept', { preconditions: { uid: 'another' } });
    },
  },
  { name: 'evict a Pod that is not there', send: side => evict(side, 'none') },
  {
    name: 'bind a Pod to a node',
    async send(side) {
      await made(side, pods, pod('unbound'));
      return bind(side, 'unbound');
    },
  },
  {
    name: 'bind it again',
    async send(side) {
      const answer = await bind(side, 'unbound');
      await remove(side, `${pods}/unbound`, { gracePeriodSeconds: 0 });
      return answer;
    },
  },
  {
    name: 'patch the status of a Pod',
    async send(side) {
      await made(side, pods, pod('judged'));
      const conditions = [{ type: 'example.com/gate', status: 'True' }];
      const body = { metadata: { labels: { ignored: '' } }, status: { conditions } };
      await succeed(patch(side, `${judged}/status`, 'strategic', body));
      return gateOf(await get(side, judged));
    },
  },
  { name: 'read the status of a Pod', send: async side => gateOf(await get(side, `${judged}/status`)) },
  {
    name: 'patch the status of a Pod as kubectl does',
    async send(side) {
      const query = { fieldManager: 'kubectl-patch' };
      const { status, body } = await patch(side, `${judged}/status`, 'merge', { status: { message: 'm' } }, query);
      return { status, body: (body as { status: { message?: string } }).status.message };
    },
  },
  { name: 'put the status of a Pod', send: putStatus },
  {
    name: 'change what is fixed in a Pod',
    send: side => patch(side, judged, 'merge', { spec: { nodeName: 'x' } }),
  },
  {
    name: 'add a readiness gate to a Pod',
    send: side => patch(side, judged, 'merge', { spec: { readinessGates: [{ conditionType: 'example.com/gate' }] } }),
  },
  { name: 'patch the status of a Pod with another UID', send: side => toAnother(side, judged, 'strategic') },
  {
    name: 'patch the status of a Service with another UID',
    async send(side) {
      await made(side, services, service('web'));
      return toAnother(side, `${services}/web`, 'merge');
    },
  },
  {
    name: 'patch the status of a Service',
    async send(side) {
      const balanced = { ...service('balanced'), spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } };
      await made(side, services, balanced);
      const change = { spec: { ports: [] }, status: served };
      const { body, ...rest } = await patch(side, `${services}/balanced/status`, 'merge', change);
      const { spec, status: written } = body as { spec?: { ports: object[] }; status?: unknown };
      return { ...rest, body: { ports: spec?.ports.length, written } };
    },
  },
  {
    name: 'patch the status of a Service that has no load balancer',
    send: side => patch(side, `${services}/web/status`, 'merge', { status: served }),
  },
  {
    name: 'patch the status of an Ingress',
    async send(side) {
      await made(side, ingresses, ingress('balanced'));
      return patch(side, `${ingresses}/balanced/status`, 'merge', { spec: { rules: [] }, status: served });
    },
  },
  { name: 'a subresource that is not there', send: side => get(side, `${services}/web/scale`) },
  { name: 'read a scale', send: side => get(side, `${deployments}/patched/scale`) },
  {
    name: 'change a scale',
    send: side => patch(side, `${deployments}/patched/scale`, 'merge', { spec: { replicas: 0 } }),
  },
  {
    name: 'create a Pod of a ServiceAccount that is not there',
    send: side => create(side, pods, pod('unknown', { serviceAccountName: 'none' })),
  },
  {
    name: 'create a Pod without containers',
    send: side => create(side, pods, pod('empty', { containers: [] })),
  },
  {
    name: 'a token for a ServiceAccount that is not there',
    send: side => create(side, `${serviceAccounts}/none/token`, { spec: {} }),
  },
];

function evict(side: Side, name: string, deleteOptions?: object): Promise<KubeResponse> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, deleteOptions };
  return create(side, `${pods}/${name}/eviction`, body);
}

function bind(side: Side, name: string): Promise<KubeResponse> {
  const target = { kind: 'Node', name: side.nodes[0] };
  const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
  return create(side, `${pods}/${name}/binding`, body);
}

interface Judged extends KubeObject {
  readonly status: { readonly conditions: readonly { readonly type: string }[] };
}

function gateOf({ status, body }: KubeResponse): KubeResponse {
  const { conditions } = (body as Judged).status;
  return { status, body: conditions.filter(({ type }) => type === 'example.com/gate') };
}

/** What else the body says is not written. */
async function putStatus(side: Side): Promise<KubeResponse> {
  const read = (await succeed(get(side, judged))) as Judged;
  const changed = { ...read, spec: {}, metadata: { ...read.metadata, labels: { put: '' } } };
  const answer = await put(side, `${judged}/status`, { ...changed, status: { ...read.status, reason: 'Put' } });
  const { metadata, status } = answer.body as { metadata: object; status: { reason?: string } };
  return { status: answer.status, body: { metadata, reason: status.reason } };
}

/** A write meant for an object that another of the same name has replaced. */
function toAnother(side: Side, path: string, type: 'merge' | 'strategic'): Promise<KubeResponse> {
  return patch(side, `${path}/status`, type, { metadata: { uid: 'another' }, status: {} });
}
