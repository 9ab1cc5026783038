import type { Clock } from '../../../common/clock.ts';
import {
  type KubeRequest,
  type KubeResponse,
  KubeResponseError,
  type WatchEvent,
} from '../../../common/kube/transport.ts';
import type { Random } from '../../../common/random.ts';
import { ApiError, forbidden, unauthorized, unknownResource } from './api-error.ts';
import { defaulted } from './defaults.ts';
import { discoveryDocument } from './discovery.ts';
import { GarbageCollector } from './garbage-collector.ts';
import type { JsonObject } from './json.ts';
import { apiVersionOf, KINDS, type Kind, NAMESPACE, SERVICE_ACCOUNT } from './kinds.ts';
import { NamespaceLifecycle } from './namespace-lifecycle.ts';
import { Registry } from './registry.ts';
import { type RequestContext, type ResourceAnswer, ResourceHandler } from './resource-handler.ts';
import { type Route, routeOf } from './route.ts';
import { Store } from './store.ts';
import { isTableWanted, tableEvents, tableOf } from './tables.ts';
import { API_AUDIENCE, type IssuedToken, type TokenRequest, TokenTable } from './tokens.ts';
import type { Authorizer, KubeUser } from './user.ts';
import { startWatch, type TimedEvent } from './watching.ts';
import type { AdmissionCaller } from './webhook-admission.ts';

const DEFAULT_HISTORY_LIMIT = 5000;
const CONTROLLER_DELAY_MS = 50;
const INITIAL_NAMESPACES = ['default', 'kube-system', 'kube-node-lease'];
/** Reachable without a token, as the real server's default roles allow. */
const PUBLIC_PATHS = ['version', 'healthz', 'livez', 'readyz'];

export interface KubeApiServerOptions {
  readonly clock: Clock;
  /** Source of uids, name suffixes, addresses and tokens. Where others can reach the server it must not be guessable. */
  readonly random: Random;
  /** How webhooks are reached; default: every webhook fails, which its failurePolicy answers. */
  readonly admissionCaller?: AdmissionCaller;
  /** Default: whoever is known may do everything. */
  readonly authorizer?: Authorizer;
  /** Changes kept per kind for watches and paging, at least. */
  readonly historyLimit?: number;
}

export interface ApiResponse extends KubeResponse {
  /** Of admission webhooks; a carrier sends them as Warning headers. */
  readonly warnings?: readonly string[];
}

export type OpenedWatch =
  | { readonly state: 'refused'; readonly response: ApiResponse }
  | { readonly state: 'open'; readonly start: (signal: AbortSignal) => AsyncIterable<TimedEvent> };

/**
 * The sandbox's Kubernetes API server without sockets: requests are values, time and randomness are parameters, so that
 * a run can be replayed. Namespaces `default`, `kube-system` and `kube-node-lease` exist from the start.
 */
export class KubeApiServer {
  readonly #options: KubeApiServerOptions;
  readonly #store: Store;
  readonly #tokens: TokenTable;
  readonly #handler: ResourceHandler;

  constructor(options: KubeApiServerOptions) {
    this.#options = options;
    const { clock, random } = options;
    const store = new Store({ kinds: KINDS, clock, historyLimit: options.historyLimit ?? DEFAULT_HISTORY_LIMIT });
    const registry = new Registry({ store, clock, random });
    const tokens = new TokenTable({ store, clock, random });
    const remove = (kind: Kind, namespace: string | undefined, name: string) => {
      registry.delete(kind, namespace, name, {});
    };
    const garbageCollector = new GarbageCollector({
      store,
      clock,
      delayMs: CONTROLLER_DELAY_MS,
      remove: ({ kind, namespace, name }) => remove(kind, namespace, name),
    });
    new NamespaceLifecycle({
      store,
      clock,
      delayMs: CONTROLLER_DELAY_MS,
      remove: (kind, { metadata }) => remove(kind, metadata.namespace, metadata.name),
    });
    store.onChange((kind, { type, object }) => {
      if (kind === NAMESPACE && type === 'ADDED') createDefaultAccount(registry, object.metadata.name);
    });
    const caller = options.admissionCaller ?? noWebhooks;
    this.#store = store;
    this.#tokens = tokens;
    this.#handler = new ResourceHandler({ store, registry, tokens, garbageCollector, clock, random, caller });
    for (const name of INITIAL_NAMESPACES) createNamespace(registry, name);
  }

  /** Answers with whatever the API would, errors included. `user` undefined means that nobody was authenticated. */
  async request(user: KubeUser | undefined, request: KubeRequest): Promise<ApiResponse> {
    try {
      const route = routeOf(request.path);
      if (route.to === 'discovery') return answerDiscovery(user, route.segments);
      const context = this.#admit(user, route, request);
      if (route.to === 'tokenreviews') return { status: 201, body: this.#handler.reviewToken(context) };
      const answer = await this.#handler.handle(route, context);
      return presented(route, request, answer, this.#options.clock.wallNow());
    } catch (error) {
      if (error instanceof ApiError) return error.response();
      throw error;
    }
  }

  /**
   * Opens a watch of a collection.
   * @throws KubeResponseError when refused. The iteration ends with the watch's timeout, after an ERROR event, or when
   * the signal aborts.
   */
  watch(user: KubeUser | undefined, request: KubeRequest, signal: AbortSignal): AsyncIterable<WatchEvent> {
    const opened = this.openWatch(user, request);
    if (opened.state === 'refused') throw new KubeResponseError(request, opened.response);
    return withoutTimes(opened.start(signal));
  }

  /** Like `watch` for carriers: a refusal is an answer, and each event carries the clock time of its commit. */
  openWatch(user: KubeUser | undefined, request: KubeRequest): OpenedWatch {
    try {
      return { state: 'open', start: this.#startWatch(user, request) };
    } catch (error) {
      if (error instanceof ApiError) return { state: 'refused', response: error.response() };
      throw error;
    }
  }

  #startWatch(user: KubeUser | undefined, request: KubeRequest): (signal: AbortSignal) => AsyncIterable<TimedEvent> {
    const route = routeOf(request.path);
    if (route.to !== 'collection' || request.method !== 'GET') throw unknownResource();
    const query = request.query ?? {};
    this.#admit(user, route, { ...request, query: { ...query, watch: 'true' } });
    const { clock, random } = this.#options;
    const { kind, namespace } = route;
    const start = startWatch({ store: this.#store, clock, random, kind, namespace, query });
    if (!isTableWanted(request.accept)) return start;
    return signal => tableEvents(start(signal), { kind, query, wallNow: () => clock.wallNow() });
  }

  /** The user a bearer token stands for; undefined when it is unknown, expired, or not for the API. */
  authenticate(token: string): KubeUser | undefined {
    const verdict = this.#tokens.review(token, [API_AUDIENCE]);
    return verdict.authenticated ? verdict.user : undefined;
  }

  /** A token without end for `user`, such as an administrator's. */
  issueUserToken(user: KubeUser): string {
    return this.#tokens.issueForUser(user);
  }

  /**
   * A ServiceAccount token as a kubelet projects it into a Pod.
   * @throws Error when the ServiceAccount does not exist.
   */
  issueToken(request: TokenRequest): IssuedToken {
    const issued = this.#tokens.issue(request);
    if (issued) return issued;
    throw new Error(`serviceaccount ${request.namespace}/${request.serviceAccount} not found`);
  }

  /** Forgets the history, as etcd's compaction does: older watches and continue tokens answer 410. */
  compact(): void {
    this.#store.compact();
  }

  #admit(user: KubeUser | undefined, route: Route, request: KubeRequest): RequestContext {
    if (!user) throw unauthorized();
    const kind = 'kind' in route ? route.kind : undefined;
    const attributes = {
      verb: verbOf(route, request),
      group: kind?.group ?? 'authentication.k8s.io',
      resource: kind?.resource ?? 'tokenreviews',
      subresource: route.to === 'object' ? route.subresource : undefined,
      namespace: 'namespace' in route ? route.namespace : undefined,
      name: route.to === 'object' ? route.name : undefined,
    };
    if (route.to !== 'nothing' && this.#options.authorizer && !this.#options.authorizer(user, attributes)) {
      const where = attributes.namespace ? ` in the namespace "${attributes.namespace}"` : ' at the cluster scope';
      const what = `resource "${attributes.resource}" in API group "${attributes.group}"${where}`;
      const why = `User "${user.username}" cannot ${attributes.verb} ${what}`;
      if (kind) throw forbidden(kind, attributes.name ?? '', why);
      throw new ApiError(403, 'Forbidden', `tokenreviews.authentication.k8s.io is forbidden: ${why}`);
    }
    return { user, request };
  }
}

function verbOf(route: Route, request: KubeRequest): string {
  const isCollection = route.to === 'collection';
  switch (request.method) {
    case 'GET':
      if (!isCollection) return 'get';
      return request.query?.watch === 'true' ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return isCollection ? 'deletecollection' : 'delete';
  }
}

function answerDiscovery(user: KubeUser | undefined, segments: readonly string[]): ApiResponse {
  if (!user && !PUBLIC_PATHS.includes(segments[0] ?? '')) throw unauthorized();
  const body = discoveryDocument(segments);
  if (body === undefined) throw unknownResource();
  return { status: 200, body };
}

function presented(route: Route, request: KubeRequest, answer: ResourceAnswer, wallNow: number): ApiResponse {
  const wantsTable = request.method === 'GET' && 'kind' in route && isTableWanted(request.accept);
  const body: JsonObject = wantsTable
    ? tableOf(answer.body, { kind: route.kind, query: request.query ?? {}, wallNow: () => wallNow })
    : answer.body;
  return { status: answer.status, body, ...(answer.warnings?.length && { warnings: answer.warnings }) };
}

async function* withoutTimes(events: AsyncIterable<TimedEvent>): AsyncGenerator<WatchEvent> {
  for await (const { type, object } of events) yield { type, object } as unknown as WatchEvent;
}

function createNamespace(registry: Registry, name: string): void {
  const object = { apiVersion: apiVersionOf(NAMESPACE), kind: NAMESPACE.kind, metadata: { name } };
  registry.create(NAMESPACE, undefined, defaulted(NAMESPACE, object));
}

function createDefaultAccount(registry: Registry, namespace: string): void {
  const metadata = { name: 'default' };
  registry.create(SERVICE_ACCOUNT, namespace, { apiVersion: 'v1', kind: SERVICE_ACCOUNT.kind, metadata });
}

async function noWebhooks(): Promise<never> {
  throw new Error('this API server was started without a way to call webhooks');
}
