import type { KubeObject } from '../../../common/kube/objects.ts';
import type { KubeRequest, KubeTransport, WatchEvent } from '../../../common/kube/transport.ts';
import { seededRandom } from '../../../common/random.ts';
import { VirtualClock } from '../../../common/virtual-clock.ts';
import { inProcessKubeTransport } from './in-process.ts';
import type { JsonObject } from './json.ts';
import { KubeApiServer, type KubeApiServerOptions } from './kube-api-server.ts';

export const ADMIN = { username: 'admin', groups: ['system:masters'] };

/** A server in virtual time and the administrator's connection to it, for the tests of this folder. */
export class TestApi {
  readonly clock = new VirtualClock();
  readonly server: KubeApiServer;
  readonly transport: KubeTransport;

  constructor(options: Partial<KubeApiServerOptions> & { readonly latencyMs?: number } = {}) {
    const { latencyMs, ...server } = options;
    this.server = new KubeApiServer({ clock: this.clock, random: seededRandom(1), ...server });
    const common = { server: this.server, user: ADMIN, clock: this.clock };
    this.transport = inProcessKubeTransport({ ...common, ...(latencyMs !== undefined && { latencyMs }) });
  }

  async call(
    method: KubeRequest['method'],
    path: string,
    body?: unknown,
    extra: Partial<KubeRequest> = {},
  ): Promise<{ status: number; body: TestObject }> {
    const request = { method, path, ...(body !== undefined && { body }), ...extra };
    const response = await this.transport.request(request, new AbortController().signal);
    return response as { status: number; body: TestObject };
  }

  post(path: string, body: unknown): Promise<{ status: number; body: TestObject }> {
    return this.call('POST', path, body);
  }

  get(path: string, query: Record<string, string> = {}): Promise<{ status: number; body: TestObject }> {
    return this.call('GET', path, undefined, { query });
  }

  patch(
    kind: 'merge' | 'strategic-merge' | 'json' | 'apply',
    path: string,
    body: unknown,
  ): Promise<{ status: number; body: TestObject }> {
    const contentType = kind === 'apply' ? 'application/apply-patch+yaml' : `application/${kind}-patch+json`;
    return this.call('PATCH', path, body, { contentType });
  }

  /** The events of a watch until `count` have come or the watch ends. */
  async events(path: string, query: Record<string, string>, count: number): Promise<WatchEvent[]> {
    const controller = new AbortController();
    const seen: WatchEvent[] = [];
    const request = { method: 'GET', path, query } as const;
    for await (const event of this.transport.watch(request, controller.signal)) {
      seen.push(event);
      if (seen.length >= count) break;
    }
    return seen;
  }
}

/** Loose on purpose: tests look into answers of every kind. */
export interface TestObject extends KubeObject {
  readonly items: TestObject[];
  readonly spec: JsonObject;
  readonly status: JsonObject;
  readonly message: string;
  readonly reason: string;
}

export const PODS = '/api/v1/namespaces/default/pods';

export function pod(name: string, fields: JsonObject = {}): JsonObject {
  const { metadata, ...spec } = fields;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(metadata as JsonObject | undefined) },
    spec: { containers: [{ name: 'web', image: 'nginx' }], ...spec },
  };
}

export function configMap(name: string, data: Record<string, string> = {}): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

export const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

export const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

export function deployment(name: string, replicas = 1): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80 }] }] },
      },
    },
  };
}

export async function createNode(api: TestApi, name: string): Promise<void> {
  await api.post('/api/v1/nodes', { metadata: { name } });
}

/** A Pod that a scheduler has put on `node`, so that its deletion is graceful. */
export async function createBoundPod(
  api: TestApi,
  name: string,
  node: string,
  fields?: JsonObject,
): Promise<TestObject> {
  await api.post(PODS, pod(name, fields));
  await api.post(`${PODS}/${name}/binding`, { target: { kind: 'Node', name: node } });
  return (await api.get(`${PODS}/${name}`)).body;
}
