import type { Clock } from '../../../common/clock.ts';
import type { KubeRequest } from '../../../common/kube/transport.ts';
import type { Random } from '../../../common/random.ts';
import {
  badRequest,
  forbidden,
  invalid,
  methodNotAllowed,
  notFound,
  notImplemented,
  unknownResource,
  unsupportedMediaType,
} from './api-error.ts';
import { requestToken, reviewToken } from './authentication.ts';
import { decoded } from './decode.ts';
import { defaulted } from './defaults.ts';
import { deletionOf, type ParsedDeletion } from './delete-options.ts';
import type { GarbageCollector } from './garbage-collector.ts';
import { type ApiObject, copyJson, isObject, type Json, type JsonObject, objectOf, withFields } from './json.ts';
import { type Kind, MUTATING_WEBHOOK_CONFIGURATION, NAMESPACE, POD, SERVICE_ACCOUNT } from './kinds.ts';
import { listBody, listObjects } from './listing.ts';
import { applyPatch, checkPatchType } from './patch.ts';
import { patchSchemaOf } from './patch-schema.ts';
import { admitPod } from './pod-admission.ts';
import { bindPod, evictPod } from './pod-subresources.ts';
import type { Registry, UpdateScope } from './registry.ts';
import type { Route } from './route.ts';
import { scaleOf, withScale } from './scale.ts';
import type { Store } from './store.ts';
import type { TokenTable } from './tokens.ts';
import type { KubeUser } from './user.ts';
import { type AdmissionCaller, callWebhooks, checkWebhookConfiguration } from './webhook-admission.ts';

export interface ResourceHandlerOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly tokens: TokenTable;
  readonly garbageCollector: GarbageCollector;
  readonly clock: Clock;
  readonly random: Random;
  readonly caller: AdmissionCaller;
}

/** An authenticated and authorized request. */
export interface RequestContext {
  readonly user: KubeUser;
  readonly request: KubeRequest;
}

export interface ResourceAnswer {
  readonly status: number;
  readonly body: JsonObject;
  readonly warnings?: readonly string[];
}

type CollectionRoute = Extract<Route, { to: 'collection' }>;
type ObjectRoute = Extract<Route, { to: 'object' }>;

/** Subresources of the real server that the sandbox leaves out. */
const OMITTED_SUBRESOURCES = [
  'log',
  'exec',
  'attach',
  'portforward',
  'proxy',
  'ephemeralcontainers',
  'resize',
  'finalize',
];

/** Verbs on stored objects. Bodies are copied on the way in; what goes out is shared with the store. */
export class ResourceHandler {
  readonly #options: ResourceHandlerOptions;

  constructor(options: ResourceHandlerOptions) {
    this.#options = options;
  }

  reviewToken({ request }: RequestContext): JsonObject {
    if (request.method !== 'POST') throw methodNotAllowed();
    return reviewToken(this.#options.tokens, bodyOf(request));
  }

  async handle(route: Route, context: RequestContext): Promise<ResourceAnswer> {
    const { request } = context;
    if (request.query?.dryRun !== undefined) throw notImplemented('dry runs');
    if (route.to !== 'collection' && route.to !== 'object') throw unknownResource();
    checkContentType(route.kind, request);
    if (route.to === 'collection') return this.#onCollection(route, context);
    if (route.kind.namespaced && route.namespace === undefined) throw unknownResource();
    return route.subresource === undefined
      ? this.#onObject(route, context)
      : this.#onSubresource(route, route.subresource, request);
  }

  async #onCollection(route: CollectionRoute, context: RequestContext): Promise<ResourceAnswer> {
    const { kind, namespace } = route;
    const { request } = context;
    const lacksNamespace = kind.namespaced && namespace === undefined;
    switch (request.method) {
      case 'GET': {
        const result = listObjects(this.#options.store, kind, namespace, request.query ?? {});
        return { status: 200, body: listBody(kind, result) };
      }
      case 'POST':
        if (lacksNamespace) throw methodNotAllowed();
        return this.#create(kind, namespace, context);
      case 'DELETE':
        if (lacksNamespace) throw methodNotAllowed();
        return { status: 200, body: this.#deleteCollection(route, request) };
      default:
        throw methodNotAllowed();
    }
  }

  #deleteCollection({ kind, namespace }: CollectionRoute, request: KubeRequest): JsonObject {
    const deletion = deletionOf(request.query ?? {}, request.body);
    const found = listObjects(this.#options.store, kind, namespace, request.query ?? {});
    for (const { metadata } of found.items) this.#deleteOne(kind, metadata.namespace, metadata.name, deletion);
    return listBody(kind, found);
  }

  async #create(kind: Kind, namespace: string | undefined, { user, request }: RequestContext): Promise<ResourceAnswer> {
    const { store, registry } = this.#options;
    const given = decoded(kind, copyJson(request.body));
    const inNamespace = withNamespace(given, namespace);
    if (namespace !== undefined) checkNamespace(store, kind, namespace, given.metadata.name);
    const complete = defaulted(kind, inNamespace);
    const object = kind === POD && namespace ? admitPod(store, namespace, complete) : complete;
    if (kind === MUTATING_WEBHOOK_CONFIGURATION) {
      checkWebhookConfiguration(object);
      return { status: 201, body: registry.create(kind, namespace, object) };
    }
    const admitted = await callWebhooks(this.#options, { kind, namespace, user, object });
    return { status: 201, body: registry.create(kind, namespace, admitted.object), warnings: admitted.warnings };
  }

  async #onObject(route: ObjectRoute, context: RequestContext): Promise<ResourceAnswer> {
    const { kind, namespace, name } = route;
    const { request } = context;
    switch (request.method) {
      case 'GET':
        return { status: 200, body: this.#options.registry.get(kind, namespace, name) };
      case 'PUT':
        if (kind.createOnUpdate && !this.#options.store.get(kind, namespace, name)) {
          checkBodyName(bodyOf(request), name);
          return this.#create(kind, namespace, context);
        }
        return { status: 200, body: this.#update(route, 'object', request) };
      case 'PATCH':
        return { status: 200, body: this.#update(route, 'object', request) };
      case 'DELETE': {
        const deletion = deletionOf(request.query ?? {}, request.body);
        return { status: 200, body: this.#deleteOne(kind, namespace, name, deletion) };
      }
      default:
        throw methodNotAllowed();
    }
  }

  #update({ kind, namespace, name }: ObjectRoute, scope: UpdateScope, request: KubeRequest): JsonObject {
    return this.#options.registry.update(kind, namespace, name, scope, current => {
      const next = decoded(kind, request.method === 'PUT' ? copyJson(request.body) : patched(kind, current, request));
      const isUnconditional = next.metadata.resourceVersion === undefined && request.method === 'PUT';
      if (isUnconditional && !kind.unconditionalUpdate) {
        throw invalid(kind, name, [
          { field: 'metadata.resourceVersion', problem: 'Invalid value: 0', detail: 'must be specified for an update' },
        ]);
      }
      if (request.method === 'PATCH') checkUidIsKept(kind, current, next);
      if (kind === MUTATING_WEBHOOK_CONFIGURATION) checkWebhookConfiguration(next);
      return withNamespace(next, namespace);
    });
  }

  #deleteOne(kind: Kind, namespace: string | undefined, name: string, deletion: ParsedDeletion): JsonObject {
    const { registry } = this.#options;
    if (deletion.orphan) this.#orphanDependents(registry.get(kind, namespace, name).metadata.uid ?? '');
    const { object, removed } = registry.delete(kind, namespace, name, deletion);
    if (!removed || kind.returnsDeleted) return object;
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name, ...(kind.group && { group: kind.group }), kind: kind.resource, uid: object.metadata.uid },
    };
  }

  #orphanDependents(uid: string): void {
    const { registry, garbageCollector } = this.#options;
    for (const { kind, namespace, name } of garbageCollector.dependentsOf(uid)) {
      registry.update(kind, namespace, name, 'object', current => {
        const owners = (current.metadata.ownerReferences ?? []).filter(owner => owner.uid !== uid);
        const ownerReferences = owners.length > 0 ? owners : undefined;
        return withFields(current, { metadata: withFields(current.metadata, { ownerReferences }) });
      });
    }
  }

  #onSubresource(route: ObjectRoute, subresource: string, request: KubeRequest): ResourceAnswer {
    const { kind, namespace = '', name } = route;
    if (subresource === 'status' && kind.status) return this.#onStatus(route, request);
    if (subresource === 'scale' && kind.scale) return this.#onScale(route, request);
    if (kind === POD && (subresource === 'binding' || subresource === 'eviction')) {
      if (request.method !== 'POST') throw methodNotAllowed();
      const body = bodyOf(request);
      if (subresource === 'binding') return { status: 201, body: bindPod(this.#options, namespace, name, body) };
      const deletion = deletionOf({}, body.deleteOptions);
      return { status: 201, body: evictPod(this.#options, namespace, name, deletion) };
    }
    if (kind === SERVICE_ACCOUNT && subresource === 'token') {
      if (request.method !== 'POST') throw methodNotAllowed();
      return { status: 201, body: requestToken(this.#options, namespace, name, bodyOf(request)) };
    }
    if (OMITTED_SUBRESOURCES.includes(subresource)) throw notImplemented(`${kind.resource}/${subresource}`);
    throw unknownResource();
  }

  #onStatus(route: ObjectRoute, request: KubeRequest): ResourceAnswer {
    if (request.method === 'GET') {
      return { status: 200, body: this.#options.registry.get(route.kind, route.namespace, route.name) };
    }
    if (request.method !== 'PUT' && request.method !== 'PATCH') throw methodNotAllowed();
    return { status: 200, body: this.#update(route, 'status', request) };
  }

  #onScale({ kind, namespace, name }: ObjectRoute, request: KubeRequest): ResourceAnswer {
    const { registry } = this.#options;
    if (request.method === 'GET') return { status: 200, body: scaleOf(registry.get(kind, namespace, name)) };
    if (request.method !== 'PUT' && request.method !== 'PATCH') throw methodNotAllowed();
    const updated = registry.update(kind, namespace, name, 'object', current => {
      const scale = scaleOf(current);
      const patch = () => applyPatch(scale, request.contentType, copyJson(request.body) as Json, {});
      return withScale(current, request.method === 'PUT' ? copyJson(bodyOf(request)) : patch());
    });
    return { status: 200, body: scaleOf(updated) };
  }
}

function bodyOf(request: KubeRequest): JsonObject {
  if (!isObject(request.body)) throw badRequest('the body of the request must be a JSON object');
  return request.body;
}

function patched(kind: Kind, current: ApiObject, request: KubeRequest): JsonObject {
  const patch = copyJson(request.body) as Json;
  return applyPatch(current, request.contentType, patch, patchSchemaOf(kind));
}

/** A PUT takes the UID in its body for a precondition (409); a patch tries to change it. */
function checkUidIsKept(kind: Kind, current: ApiObject, next: ApiObject): void {
  const { uid } = next.metadata;
  if (uid === undefined || uid === current.metadata.uid) return;
  const problem = `Invalid value: ${JSON.stringify(uid)}`;
  throw invalid(kind, current.metadata.name, [{ field: 'metadata.uid', problem, detail: 'field is immutable' }]);
}

function withNamespace(object: ApiObject, namespace: string | undefined): ApiObject {
  const own = object.metadata.namespace;
  if (own !== undefined && own !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

function checkNamespace(store: Store, kind: Kind, namespace: string, name: string): void {
  const found = store.get(NAMESPACE, undefined, namespace);
  if (!found) throw notFound(NAMESPACE, namespace);
  if (found.metadata.deletionTimestamp) {
    throw forbidden(
      kind,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
  }
}

function checkBodyName(body: JsonObject, name: string): void {
  const given = objectOf(body.metadata).name;
  if (given !== name) {
    throw badRequest(`the name of the object (${String(given)}) does not match the name on the URL (${name})`);
  }
}

/** Patches name their type, everything else is JSON. */
function checkContentType(kind: Kind, request: KubeRequest): void {
  if (request.method === 'PATCH') checkPatchType(kind, request.contentType);
  else if (request.body !== undefined && !(request.contentType ?? 'application/json').startsWith('application/json')) {
    throw unsupportedMediaType(request.contentType ?? 'none', ['application/json']);
  }
}
