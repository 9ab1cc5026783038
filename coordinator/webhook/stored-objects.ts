import type { KubeObject } from '../../common/kube/objects.ts';
import {
  KubeConnectionError,
  type KubeRequest,
  type KubeResponse,
  type KubeTransport,
} from '../../common/kube/transport.ts';

/** For tests: an API server that stores whatever it is given, with resource versions and conflicts. */
export class StoredObjects implements KubeTransport {
  readonly objects = new Map<string, KubeObject>();
  readonly requests: KubeRequest[] = [];
  /** Called before each write is judged: what other writers do in the meantime. */
  beforeWrite: (request: KubeRequest) => void = () => {};
  reachable = true;
  #version = 0;

  async request(request: KubeRequest): Promise<KubeResponse> {
    this.requests.push(request);
    if (!this.reachable) throw new KubeConnectionError('connection refused');
    if (request.method === 'GET') return this.#found(request.path);
    this.beforeWrite(request);
    const body = request.body as KubeObject;
    const path = request.method === 'POST' ? `${request.path}/${body.metadata.name}` : request.path;
    const stored = this.objects.get(path);
    if (request.method === 'POST' ? stored : stored?.metadata.resourceVersion !== body.metadata.resourceVersion) {
      return { status: 409, body: { kind: 'Status', reason: 'Conflict' } };
    }
    return { status: 200, body: this.put(path, body) };
  }

  watch(): AsyncIterable<never> {
    throw new Error('nothing is watched here');
  }

  /** The writes so far, as `POST /path`. */
  writes(): readonly string[] {
    return this.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
  }

  put(path: string, object: KubeObject): KubeObject {
    this.#version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    const stored = structuredClone({ ...object, metadata });
    this.objects.set(path, stored);
    return stored;
  }

  #found(path: string): KubeResponse {
    const object = this.objects.get(path);
    return object
      ? { status: 200, body: structuredClone(object) }
      : { status: 404, body: { kind: 'Status', reason: 'NotFound' } };
  }
}
