import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import type { KubeRequest, KubeResponse, KubeTransport } from '../../common/kube/transport.ts';
import { FINALIZER, READINESS_GATE } from '../../common/names.ts';
import { TestApi, type TestObject } from '../../sandbox/kube/api/fixtures.ts';
import { clusterHash } from '../cluster-hash.ts';
import { FakeCloud, loadBalancer } from '../lanes/fake-cloud.ts';
import { clusterTags } from '../loadbalancers/ownership-tags.ts';
import type { NodeCleanup } from './node-cleanup.ts';
import { release } from './release.ts';

export const SERVICE = '/api/v1/namespaces/default/services/web';
export const INGRESS = '/apis/networking.k8s.io/v1/namespaces/default/ingresses/front';
const NAMESPACE = 'clb-direct';
const CLUSTER_NAME = 'default';
const OWN = `/api/v1/namespaces/${NAMESPACE}`;
const OWN_APPS = `/apis/apps/v1/namespaces/${NAMESPACE}`;
const COORDINATORS = ['clb-direct-coordinator', 'clb-direct-coordinator-second'];
const AGENTS = `${OWN_APPS}/daemonsets/clb-direct-agent`;
export const WEBHOOK = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/clb-direct';
export const SECRET = `${OWN}/secrets/clb-direct-tls`;
export const CONFIG_MAP = `${OWN}/configmaps/clb-direct-ca`;
const CLEANUP_LABELS = { component: 'node-cleanup' };
const CLEANUP: NodeCleanup = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'clb-direct-node-cleanup', namespace: NAMESPACE },
  spec: { selector: { matchLabels: CLEANUP_LABELS } },
};
/** Kinds of `apps` that the sandbox's server does not have. */
const ELSEWHERE = /^\/apis\/apps\/v1\/(?:namespaces\/[^/]+\/)?(daemonsets|statefulsets)(?:\/([^/]+))?$/;
const GATE = { conditionType: READINESS_GATE };

/** A cluster with clb-direct in it, in virtual time, and what its controllers do about a release. */
export class ReleaseStage {
  readonly api = new TestApi({ latencyMs: 2 });
  readonly requests: KubeRequest[] = [];
  readonly said: string[] = [];
  readonly cloud = new FakeCloud(this.api.clock);
  names = DEFAULT_INSTANCE;
  /** Whether the release is told where the load balancers are. */
  hasAccount = true;
  /** Whether coordinators end when their Deployments go. */
  coordinatorsEnd = true;
  /** Nodes that are cleaned, of two. */
  nodesCleaned = 2;
  /** Answers in the place of the server, where it answers. */
  intercept: (request: KubeRequest) => KubeResponse | undefined = () => undefined;
  readonly #apps = new Map<string, KubeObject>();

  async prepare(): Promise<this> {
    await this.post('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    const webhook = { metadata: { name: 'clb-direct' }, webhooks: [] };
    await this.post('/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', webhook);
    await this.post(`${OWN}/secrets`, { metadata: { name: 'clb-direct-tls' } });
    await this.post(`${OWN}/configmaps`, { metadata: { name: 'clb-direct-ca' } });
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'a' }] } };
    const spec = { replicas: 1, selector: { matchLabels: { a: 'b' } }, template };
    for (const name of COORDINATORS) {
      await this.post(`${OWN_APPS}/deployments`, { metadata: { name }, spec });
      await this.addPod(NAMESPACE, name, { component: 'coordinator' });
    }
    this.putApp(AGENTS, []);
    await this.addPod(NAMESPACE, 'agent', { component: 'agent' });
    await this.addService('web', [FINALIZER, 'example.com/other'], { 'service.kubernetes.io/loadbalance-id': 'lb-a' });
    await this.#addIngress();
    await this.#addLoadBalancers();
    return this;
  }

  /** What load balancers are called now, by id. */
  get loadBalancerNames(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.cloud.balancers.map(({ id, name }) => [id, name]));
  }

  /** Two that were made for the Services of this cluster, and one that was not. */
  async #addLoadBalancers(): Promise<void> {
    const clusterUid = (await this.read('/api/v1/namespaces/kube-system'))?.metadata.uid;
    const tags = clusterTags(clusterHash({ clusterUid, clusterName: CLUSTER_NAME, names: DEFAULT_INSTANCE }));
    this.cloud.balancers.push(loadBalancer({ id: 'lb-a', name: 'web', tags }));
    this.cloud.balancers.push(loadBalancer({ id: 'lb-b', name: 'front', tags }));
    this.cloud.balancers.push(loadBalancer({ id: 'lb-other', name: 'other', tags: clusterTags('other') }));
  }

  async addService(name: string, finalizers: readonly string[], annotations: object = {}): Promise<void> {
    const metadata = { name, finalizers: [...finalizers], annotations };
    await this.post('/api/v1/namespaces/default/services', { metadata, spec: { ports: [{ port: 80 }] } });
  }

  /** A Pod of the user's with our gate, or one of ours. `gate`: its condition, undefined while it has none. */
  async addPod(
    namespace: string,
    name: string,
    { component, gate, hasGate = false }: { component?: string; gate?: string; hasGate?: boolean } = {},
  ): Promise<void> {
    const labels = { 'app.kubernetes.io/name': 'clb-direct', 'app.kubernetes.io/component': component ?? '' };
    const metadata = { name, ...(component !== undefined && { labels }) };
    const spec = { containers: [{ name: 'a', image: 'a' }], ...(hasGate && { readinessGates: [GATE] }) };
    await this.post(`/api/v1/namespaces/${namespace}/pods`, { metadata, spec });
    if (gate === undefined) return;
    const status = { conditions: [{ type: READINESS_GATE, status: gate }] };
    await this.settled(this.api.patch('merge', `/api/v1/namespaces/${namespace}/pods/${name}/status`, { status }));
  }

  /** A DaemonSet or StatefulSet. */
  putApp(path: string, readinessGates: readonly object[]): void {
    const [namespace = '', name = ''] = [path.split('/')[5], path.split('/')[7]];
    const spec = { template: { spec: { containers: [], readinessGates } } };
    this.#apps.set(path, { metadata: { name, namespace }, spec } as KubeObject);
  }

  hasApp(path: string): boolean {
    return this.#apps.has(path);
  }

  /** @returns what could not be done */
  release(): Promise<readonly string[]> {
    const say = (line: string) => this.said.push(line);
    const context = { transport: this.#transport, clock: this.api.clock, namespace: NAMESPACE, names: this.names, say };
    const account = this.hasAccount ? { cloud: this.cloud, clusterName: CLUSTER_NAME } : undefined;
    return this.settled(
      release({ ...context, signal: new AbortController().signal }, { nodeCleanup: CLEANUP, account }),
    );
  }

  /** Undefined when it is not there. */
  async read(path: string): Promise<TestObject | undefined> {
    const { status, body } = await this.settled(this.api.get(path));
    return status === 200 ? body : undefined;
  }

  async post(path: string, object: object): Promise<void> {
    const { status, body } = await this.settled(this.api.post(path, object));
    if (status !== 201) throw new Error(`POST ${path}: ${status} ${body.message}`);
  }

  async delete(path: string): Promise<void> {
    await this.settled(this.api.call('DELETE', path, { gracePeriodSeconds: 0 }));
  }

  /** Lets virtual time pass until the promise has settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    promise.then(done, done);
    await this.api.clock.advanceUntil(() => isDone, 600_000);
    return promise;
  }

  async #addIngress(): Promise<void> {
    const backend = { service: { name: 'web', port: { number: 80 } } };
    const metadata = { name: 'front', finalizers: [FINALIZER] };
    await this.post('/apis/networking.k8s.io/v1/namespaces/default/ingresses', {
      metadata,
      spec: { defaultBackend: backend },
    });
  }

  readonly #transport: KubeTransport = {
    request: async (request, signal) => {
      this.requests.push(request);
      const answer = this.intercept(request) ?? this.#answerApp(request);
      if (request.method === 'DELETE') await this.#end(request.path);
      return answer ?? this.api.transport.request(request, signal);
    },
    watch: () => {
      throw new Error('a release watches nothing');
    },
  };

  /** Pods go with what owns them. */
  async #end(path: string): Promise<void> {
    const remove = (name: string) => this.api.call('DELETE', `${OWN}/pods/${name}`, { gracePeriodSeconds: 0 });
    if (path === AGENTS) await remove('agent');
    const deployment = COORDINATORS.find(name => path === `${OWN_APPS}/deployments/${name}`);
    if (deployment !== undefined && this.coordinatorsEnd) await remove(deployment);
  }

  #answerApp({ method, path, body }: KubeRequest): KubeResponse | undefined {
    const match = ELSEWHERE.exec(path);
    if (!match) return undefined;
    const [, resource = '', name] = match;
    if (method === 'POST') {
      this.#apps.set(`${path}/${(body as KubeObject).metadata.name}`, body as KubeObject);
      return { status: 201, body };
    }
    if (name === undefined) {
      const items = [...this.#apps].flatMap(([key, object]) => (key.includes(`/${resource}/`) ? [object] : []));
      return { status: 200, body: { metadata: { resourceVersion: '1' }, items } };
    }
    const found = this.#apps.get(path);
    if (!found) return { status: 404, body: { reason: 'NotFound' } };
    if (method === 'DELETE') this.#apps.delete(path);
    const status = { observedGeneration: 1, desiredNumberScheduled: 2, numberReady: this.nodesCleaned };
    return { status: 200, body: { ...found, status } };
  }
}
