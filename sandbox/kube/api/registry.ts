import type { Clock } from '../../../common/clock.ts';
import { type Random, randomInteger, randomUuid } from '../../../common/random.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  deletionConflict,
  forbidden,
  invalid,
  modifiedConflict,
  notFound,
} from './api-error.ts';
import { defaulted, initialStatus } from './defaults.ts';
import { type ApiObject, equalJson, type JsonObject, type Metadata, withFields } from './json.ts';
import { DEPLOYMENT, ENDPOINT_SLICE, type Kind, NAMESPACE, POD, SERVICE } from './kinds.ts';
import { planPodDeletion } from './pod-deletion.ts';
import { withServiceAddresses } from './service-addresses.ts';
import type { Store } from './store.ts';
import { timestampOf } from './timestamp.ts';
import { validate, validateStatus, validateUpdate } from './validation.ts';

/** The letters of generated name suffixes: no vowels, nothing that can be misread. */
const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const NAME_SUFFIX_LENGTH = 5;
const GENERATED_BASE_LENGTH_MAX = 58;
const NAME_TRIES_MAX = 8;
const PROTECTED_NAMESPACES = ['default', 'kube-system'];

export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: Preconditions;
}

export interface Deleted {
  readonly object: ApiObject;
  /** False: it carries a deletionTimestamp and waits for its kubelet or its finalizers. */
  readonly removed: boolean;
}

/** What an update may touch: everything but status, or nothing but status. */
export type UpdateScope = 'object' | 'status';

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, 'wallNow'>;
  readonly random: Random;
}

/** The rules of create, update and delete that all kinds share. Every call is synchronous and atomic. */
export class Registry {
  readonly #store: Store;
  readonly #clock: Pick<Clock, 'wallNow'>;
  readonly #random: Random;

  constructor(options: RegistryOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** @throws ApiError 404 */
  get(kind: Kind, namespace: string | undefined, name: string): ApiObject {
    const object = this.#store.get(kind, namespace, name);
    if (!object) throw notFound(kind, name);
    return object;
  }

  /**
   * Stores what admission let through.
   * @throws ApiError 409 when the name is taken, 422 when it is invalid.
   */
  create(kind: Kind, namespace: string | undefined, admitted: ApiObject): ApiObject {
    if (admitted.metadata.resourceVersion) {
      throw badRequest('resourceVersion should not be set on objects to be created');
    }
    const name = admitted.metadata.name || this.#generatedName(kind, namespace, admitted.metadata.generateName);
    if (!name) {
      throw invalid(kind, '', [
        { field: 'metadata.name', problem: 'Required value', detail: 'name or generateName is required' },
      ]);
    }
    const object = this.#prepared(kind, namespace, name, admitted);
    validate(kind, object);
    if (this.#store.get(kind, namespace, name)) throw alreadyExists(kind, name);
    return this.#store.put(kind, object);
  }

  #prepared(kind: Kind, namespace: string | undefined, name: string, admitted: ApiObject): ApiObject {
    const { deletionTimestamp: _time, deletionGracePeriodSeconds: _grace, ...given } = admitted.metadata;
    const metadata: Metadata = {
      ...given,
      name,
      ...(namespace && { namespace }),
      uid: randomUuid(this.#random),
      creationTimestamp: timestampOf(this.#clock.wallNow()),
    };
    if (kind.generation) metadata.generation = 1;
    else delete metadata.generation;
    const status = initialStatus(kind, admitted);
    const object = defaulted(kind, withFields(admitted, { metadata, ...(status && { status }) }));
    return kind === SERVICE ? this.#withAddresses(object, undefined) : object;
  }

  #withAddresses(service: ApiObject, current: ApiObject | undefined): ApiObject {
    return withServiceAddresses(service, current, { store: this.#store, random: this.#random });
  }

  #generatedName(kind: Kind, namespace: string | undefined, base: string | undefined): string {
    if (!base) return '';
    let name = '';
    for (let attempt = 0; attempt < NAME_TRIES_MAX; attempt++) {
      const letters = Array.from({ length: NAME_SUFFIX_LENGTH }, () =>
        NAME_LETTERS.charAt(randomInteger(this.#random, 0, NAME_LETTERS.length - 1)),
      );
      name = base.slice(0, GENERATED_BASE_LENGTH_MAX) + letters.join('');
      if (!this.#store.get(kind, namespace, name)) break;
    }
    return name;
  }

  /**
   * Replaces the object by what `change` makes of it. Nothing is written when nothing differs. An object whose last
   * finalizer leaves after its deletion was asked for is removed.
   * @throws ApiError 404, 409 when `change` keeps an outdated resourceVersion or another uid, 422 when invalid.
   */
  update(
    kind: Kind,
    namespace: string | undefined,
    name: string,
    scope: UpdateScope,
    change: (current: ApiObject) => ApiObject,
  ): ApiObject {
    const current = this.get(kind, namespace, name);
    const proposed = change(current);
    checkIdentity(kind, current, proposed);
    const next = scope === 'status' ? withStatusOf(kind, current, proposed) : this.#withSpecOf(kind, current, proposed);
    checkFinalizers(kind, current, next);
    if (scope === 'status') validateStatus(kind, next);
    else {
      validateUpdate(kind, current, next);
      validate(kind, next);
    }
    if (equalJson(next, current)) return current;
    const isLast = next.metadata.deletionTimestamp && !hasFinalizers(next);
    if (isLast && next.metadata.deletionGracePeriodSeconds === 0) return this.#store.remove(kind, next);
    return this.#store.put(kind, next);
  }

  #withSpecOf(kind: Kind, current: ApiObject, proposed: ApiObject): ApiObject {
    const kept = withFields(proposed, {
      metadata: keptMetadata(current.metadata, proposed.metadata),
      ...(kind.status && { status: current.status }),
    });
    const complete = defaulted(kind, kept);
    const next = kind === SERVICE ? this.#withAddresses(complete, current) : complete;
    if (!kind.generation || equalJson(desiredState(kind, next), desiredState(kind, current))) return next;
    return withFields(next, {
      metadata: { ...next.metadata, generation: (current.metadata.generation ?? 0) + 1 },
    });
  }

  /** @throws ApiError 404, 409 when a precondition does not hold. */
  delete(kind: Kind, namespace: string | undefined, name: string, options: DeleteOptions): Deleted {
    const current = this.get(kind, namespace, name);
    checkDeletion(kind, current, options.preconditions);
    if (kind === NAMESPACE) return this.#deleteNamespace(current);
    if (kind !== POD) return this.#deleteNow(kind, current);
    const plan = planPodDeletion(current, options.gracePeriodSeconds, this.#clock.wallNow());
    if (plan.step === 'pending') return { object: current, removed: false };
    if (plan.step === 'remove') return this.#deleteNow(kind, current);
    const marked = this.#store.put(kind, withFields(current, { metadata: plan.metadata }));
    const stays = plan.gracePeriodSeconds > 0 || hasFinalizers(marked);
    return stays ? { object: marked, removed: false } : this.#deleteNow(kind, marked);
  }

  #deleteNow(kind: Kind, current: ApiObject): Deleted {
    if (!hasFinalizers(current)) return { object: this.#store.remove(kind, current), removed: true };
    if (current.metadata.deletionTimestamp) return { object: current, removed: false };
    return { object: this.#mark(kind, current), removed: false };
  }

  #mark(kind: Kind, current: ApiObject): ApiObject {
    const generation = current.metadata.generation;
    const metadata = withFields(current.metadata, {
      deletionTimestamp: timestampOf(this.#clock.wallNow()),
      deletionGracePeriodSeconds: 0,
      ...(generation !== undefined && { generation: generation + 1 }),
    });
    return this.#store.put(kind, withFields(current, { metadata }));
  }

  /** Its content goes first (namespace-lifecycle.ts), and it goes with the last of it. */
  #deleteNamespace(current: ApiObject): Deleted {
    const { name } = current.metadata;
    if (PROTECTED_NAMESPACES.includes(name)) throw forbidden(NAMESPACE, name, 'this namespace may not be deleted');
    if (current.metadata.deletionTimestamp) return { object: current, removed: false };
    const { deletionGracePeriodSeconds: _grace, ...metadata } = {
      ...current.metadata,
      deletionTimestamp: timestampOf(this.#clock.wallNow()),
    };
    const terminating = withFields(current, { metadata, status: { phase: 'Terminating' } });
    return { object: this.#store.put(NAMESPACE, terminating), removed: false };
  }
}

function hasFinalizers(object: ApiObject): boolean {
  return (object.metadata.finalizers?.length ?? 0) > 0;
}

/** A change of this is a new generation. */
function desiredState(kind: Kind, object: ApiObject): JsonObject {
  const { metadata, status: _status, ...desired } = object;
  if (kind === DEPLOYMENT) return { ...desired, annotations: metadata.annotations ?? {} };
  return kind === ENDPOINT_SLICE ? { ...desired, labels: metadata.labels ?? {} } : desired;
}

/** Bookkeeping that no client can change. */
function keptMetadata(current: Metadata, proposed: Metadata): Metadata {
  const { managedFields: _managed, selfLink: _link, ...given } = proposed;
  return withFields(given as Metadata, {
    uid: current.uid,
    creationTimestamp: current.creationTimestamp,
    deletionTimestamp: current.deletionTimestamp,
    deletionGracePeriodSeconds: current.deletionGracePeriodSeconds,
    generation: current.generation,
    generateName: current.generateName,
    resourceVersion: current.resourceVersion,
  });
}

function withStatusOf(kind: Kind, current: ApiObject, proposed: ApiObject): ApiObject {
  const metadata = withFields(keptMetadata(current.metadata, proposed.metadata), {
    ownerReferences: current.metadata.ownerReferences,
    ...(kind.scale && { labels: current.metadata.labels }),
  });
  return withFields(current, { status: proposed.status, metadata });
}

function checkIdentity(kind: Kind, current: ApiObject, proposed: ApiObject): void {
  const [before, after] = [current.metadata, proposed.metadata];
  if (after.name !== before.name) {
    throw badRequest(`the name of the object (${after.name}) does not match the name on the URL (${before.name})`);
  }
  if (after.namespace !== undefined && after.namespace !== before.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (after.uid !== undefined && after.uid !== before.uid) {
    const asked = `UID in precondition: ${after.uid}, UID in object meta: ${before.uid}`;
    throw conflict(kind, before.name, `Precondition failed: ${asked}`);
  }
  if (after.resourceVersion !== undefined && after.resourceVersion !== before.resourceVersion) {
    throw modifiedConflict(kind, before.name);
  }
}

function checkDeletion(kind: Kind, { metadata }: ApiObject, preconditions: Preconditions = {}): void {
  const { uid = '', resourceVersion = '', name } = metadata;
  const mismatch = (what: string, asked: string, is: string, why: string) =>
    deletionConflict(
      kind,
      name,
      `the ${what} in the precondition (${asked}) does not match the ${what} in record (${is}). ${why}`,
    );
  if ((preconditions.uid ?? uid) !== uid)
    throw mismatch('UID', preconditions.uid ?? '', uid, 'The object might have been deleted and then recreated');
  if ((preconditions.resourceVersion ?? resourceVersion) !== resourceVersion)
    throw mismatch(
      'ResourceVersion',
      preconditions.resourceVersion ?? '',
      resourceVersion,
      'The object might have been modified',
    );
}

function checkFinalizers(kind: Kind, current: ApiObject, next: ApiObject): void {
  if (!current.metadata.deletionTimestamp) return;
  const added = (next.metadata.finalizers ?? []).filter(entry => !current.metadata.finalizers?.includes(entry));
  if (added.length === 0) return;
  const found = added.map(entry => `"${entry}"`).join(', ');
  throw invalid(kind, next.metadata.name, [
    {
      field: 'metadata.finalizers',
      problem: 'Forbidden',
      detail: `no new finalizers can be added if the object is being deleted, found new finalizers []string{${found}}`,
    },
  ]);
}
