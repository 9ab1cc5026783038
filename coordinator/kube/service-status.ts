import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import { get, type Patch, patch } from '../../common/kube/client.ts';
import type { Ingress, KubeObject, Service } from '../../common/kube/objects.ts';
import { ingressPath, servicePath } from '../../common/kube/paths.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import {
  INGRESS_LOAD_BALANCER_ID_ANNOTATION,
  INGRESS_MODE_ANNOTATION,
  LOAD_BALANCER_ID_ANNOTATION,
  MODE_ANNOTATION,
  TKE_FINALIZER_SUFFIX,
} from '../../common/names.ts';
import type { Random } from '../../common/random.ts';
import type { WorkQueueObserver } from '../../common/work-queue.ts';
import { TerminalError } from '../../common/workers.ts';
import { ownerName } from '../loadbalancers/owner.ts';
import { ingressRecord } from './ingress-reflector.ts';
import { LatestWork } from './latest-work.ts';
import { changedRecord, NO_ENTRIES, type RecordEntries, recordAnnotations } from './load-balancer-record.ts';
import type { OwnerRecord } from './owner-record.ts';
import { serviceRecord } from './service-reflector.ts';
import { writeFailure } from './write-failure.ts';

/** Where the kind has the id of its load balancer, as TKE's controllers write it. */
function idAnnotation({ kind }: OwnerRecord): string {
  return kind === 'Ingress' ? INGRESS_LOAD_BALANCER_ID_ANNOTATION : LOAD_BALANCER_ID_ANNOTATION;
}

function recordKeys({ loadBalancersAnnotation, adoptedListenersAnnotation }: InstanceNames): readonly string[] {
  return [loadBalancersAnnotation, adoptedListenersAnnotation];
}

/** What should stand on a Service or Ingress about its load balancer. */
export interface ServiceStatus {
  readonly loadBalancerId: string;
  /** All that clients may use. */
  readonly addresses: readonly string[];
  /** Written when there is no address: load balancers of the domain type have only that. Empty when it has none. */
  readonly hostname: string;
}

/** What we want to be written on a Service or Ingress. */
export type ServiceWish =
  /** Our finalizer, and a record with these entries more and those less. */
  | { readonly type: 'claimed'; readonly add: RecordEntries; readonly drop: RecordEntries }
  | { readonly type: 'status'; readonly status: ServiceStatus }
  /** Takes everything of ours off; `keepsAddress`: but for the address, which another controller tells from now on. */
  | { readonly type: 'released'; readonly keepsAddress?: boolean };

/** One patch of a Service; `subresource` undefined for the object itself. */
export interface ServicePatch {
  readonly subresource: 'status' | undefined;
  readonly patch: Patch;
  /** Puts our finalizer on the very version that lacks it. */
  readonly finalizes?: boolean;
}

/**
 * The patches that bring the Service to the wish, none if it is there. Each holds only for this UID, and those that change
 * a list only for this version, since a list is replaced as a whole.
 */
function servicePatches(service: OwnerRecord, wish: ServiceWish, names: InstanceNames): readonly ServicePatch[] {
  switch (wish.type) {
    case 'claimed':
      return claimPatches(service, wish, names);
    case 'status':
      return service.deleting ? [] : statusPatches(service, wish.status);
    case 'released':
      return wish.keepsAddress ? handBackPatches(service, names) : releasePatches(service, names);
  }
}

/** Finalizer and record are one patch: what is in the record is never without the finalizer. */
function claimPatches(
  service: OwnerRecord,
  { add, drop }: { readonly add: RecordEntries; readonly drop: RecordEntries },
  names: InstanceNames,
): readonly ServicePatch[] {
  const present = { loadBalancers: service.recorded, adoptedListeners: service.adopted };
  // Nothing is made any more for what is being deleted, and the API server lets nobody add a finalizer to it.
  const wanted = changedRecord(present, service.deleting ? NO_ENTRIES : add, drop);
  const lacksFinalizer = !service.finalized && !service.deleting;
  const isRecorded = isDeepStrictEqual(wanted, present);
  if (!lacksFinalizer && isRecorded) return [];
  const { uid, resourceVersion, finalizers } = service;
  const metadata = {
    uid,
    resourceVersion,
    ...(lacksFinalizer && { finalizers: [...finalizers, names.finalizer] }),
    ...(!isRecorded && { annotations: recordAnnotations(wanted, names) }),
  };
  return [{ subresource: undefined, patch: { type: 'merge', body: { metadata } }, finalizes: lacksFinalizer }];
}

function statusPatches(service: OwnerRecord, status: ServiceStatus): readonly ServicePatch[] {
  const patches: ServicePatch[] = [];
  const { loadBalancerId } = status;
  if (service.loadBalancerId !== loadBalancerId) {
    patches.push(annotationPatch(service, { [idAnnotation(service)]: loadBalancerId }));
  }
  const wanted = ingressOf(status);
  const present = service.ingress.map(({ ip, hostname }) => ip || hostname);
  const isWritten = isDeepStrictEqual(
    present,
    wanted.map(({ ip, hostname }) => ip ?? hostname),
  );
  if (wanted.length > 0 && !isWritten) patches.push(ingressPatch(service, wanted));
  return patches;
}

function ingressOf({ addresses, hostname }: ServiceStatus): readonly { ip?: string; hostname?: string }[] {
  if (addresses.length > 0) return addresses.map(ip => ({ ip }));
  return hostname ? [{ hostname }] : [];
}

/** The finalizer goes last: after it a deleted Service is gone. */
function releasePatches(service: OwnerRecord, names: InstanceNames): readonly ServicePatch[] {
  const patches: ServicePatch[] = [];
  // Nobody reads the status of what is about to vanish.
  if (!service.deleting && service.ingress.length > 0) patches.push(ingressPatch(service, []));
  const ours = [idAnnotation(service), ...recordKeys(names)];
  const hasAnnotations = ours.some(annotation => service.annotations[annotation] !== undefined);
  if (!service.deleting && hasAnnotations) {
    patches.push(annotationPatch(service, noneOf(ours)));
  }
  if (service.finalized) patches.push(finalizersPatch(service, othersFinalizers(service, names)));
  return patches;
}

/** In one patch: what is half handed back would be ours again. */
function handBackPatches(service: OwnerRecord, names: InstanceNames): readonly ServicePatch[] {
  if (!service.finalized) return [];
  const { uid, resourceVersion } = service;
  const annotations = noneOf(recordKeys(names));
  const metadata = { uid, resourceVersion, annotations, finalizers: othersFinalizers(service, names) };
  return [{ subresource: undefined, patch: { type: 'merge', body: { metadata } } }];
}

function noneOf(annotations: readonly string[]): Readonly<Record<string, null>> {
  return Object.fromEntries(annotations.map(annotation => [annotation, null]));
}

function othersFinalizers(service: OwnerRecord, names: InstanceNames): readonly string[] {
  return service.finalizers.filter(finalizer => finalizer !== names.finalizer && !isStuck(service, finalizer));
}

const MODES = { Service: MODE_ANNOTATION, Ingress: INGRESS_MODE_ANNOTATION } as const;

/** TKE's controller skips the object, and would never take its own off. */
function isStuck({ kind = 'Service', deleting, annotations }: OwnerRecord, finalizer: string): boolean {
  return deleting && finalizer.endsWith(TKE_FINALIZER_SUFFIX) && annotations[MODES[kind]] === 'skip';
}

function finalizersPatch(service: OwnerRecord, finalizers: readonly string[]): ServicePatch {
  const { uid, resourceVersion } = service;
  return { subresource: undefined, patch: { type: 'merge', body: { metadata: { uid, resourceVersion, finalizers } } } };
}

function annotationPatch(service: OwnerRecord, annotations: Readonly<Record<string, string | null>>): ServicePatch {
  return { subresource: undefined, patch: { type: 'merge', body: { metadata: { uid: service.uid, annotations } } } };
}

function ingressPatch(service: OwnerRecord, ingress: readonly object[]): ServicePatch {
  const body = { metadata: { uid: service.uid }, status: { loadBalancer: { ingress } } };
  return { subresource: 'status', patch: { type: 'merge', body } };
}

export interface ServiceWriterOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly names: InstanceNames;
  /** Our finalizer is on it now and was not before, so that nobody can have made anything for it yet. */
  readonly onFinalized?: (service: OwnerRecord) => void;
  readonly onError: (service: OwnerRecord, error: unknown) => void;
  readonly observer?: WorkQueueObserver;
}

const CONCURRENCY = 8;
const SERVICES_MAX = 20_000;
/** For all patches of one Service. */
const WRITE_TIMEOUT_MS = 10_000;
const BACKOFF = { initialMs: 200, maximumMs: 30_000 };
/** Each patch makes our record of the Service old; so many times it is read again in one piece of work. */
const ROUNDS_MAX = 5;
/** How long a wish that was carried out is not carried out again: our reflector may not have seen it yet. */
const SETTLE_MS = 5_000;

interface Request {
  readonly service: OwnerRecord;
  readonly wish: ServiceWish;
}

/** Brings Services and Ingresses to what is wished of them. Of one kind of wish the last per object counts. */
export class ServiceWriter {
  readonly #options: ServiceWriterOptions;
  readonly #work: LatestWork<Request>;
  /** The wishes carried out lately, the oldest first. */
  readonly #settled = new Map<string, { readonly wish: string; readonly at: number }>();

  constructor(options: ServiceWriterOptions) {
    this.#options = options;
    this.#work = new LatestWork<Request>({
      clock: options.clock,
      random: options.random,
      what: 'writing',
      keysMax: SERVICES_MAX,
      concurrency: CONCURRENCY,
      backoff: BACKOFF,
      timeoutMs: WRITE_TIMEOUT_MS,
      work: (request, signal) => this.#write(request, signal),
      onError: ({ service }, error) => options.onError(service, error),
      ...(options.observer && { observer: options.observer }),
    });
  }

  /** Queues what is not on the Service yet; returns false when too many wait. `service` is what our reflector knows. */
  write(service: OwnerRecord, wish: ServiceWish): boolean {
    // Claimed again before it was let go.
    const released = wish.type === 'claimed' && this.#work.pending(statusKey(service.uid))?.wish.type === 'released';
    if (released) this.#work.drop(statusKey(service.uid));
    if (servicePatches(service, wish, this.#options.names).length === 0) return true;
    const key = keyOf(service, wish);
    const text = JSON.stringify(wish);
    const settled = this.#settled.get(key);
    const hasSettled = settled?.wish === text && this.#options.clock.now() - settled.at < SETTLE_MS;
    const pending = this.#work.pending(key);
    if (hasSettled || (pending && JSON.stringify(pending.wish) === text)) return true;
    return this.#work.submit(key, { service, wish });
  }

  /** Writes until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#work.run(signal);
  }

  async #write({ service, wish }: Request, signal: AbortSignal): Promise<void> {
    const key = keyOf(service, wish);
    try {
      await this.#converge(service, wish, signal);
    } catch (error) {
      const failure = writeFailure(error);
      if (failure === 'invalid') {
        this.#settle(key, wish);
        throw new TerminalError(String(error), { cause: error });
      }
      if (failure !== 'gone') throw error;
    }
    this.#settle(key, wish);
  }

  /** The first round works from what the reflector knows, which may be old; the next ones from what the server answers. */
  async #converge(known: OwnerRecord, wish: ServiceWish, signal: AbortSignal): Promise<void> {
    let service: OwnerRecord | undefined = known;
    for (let round = 0; round < ROUNDS_MAX && service; round++) {
      const [next] = servicePatches(service, wish, this.#options.names);
      if (!next) return;
      service = await this.#apply(service, next, signal);
    }
    if (service) throw new Error(`${ownerName(known)} changes too often to be written`);
  }

  /** @returns the Service as it is now, undefined when it is gone. */
  async #apply(service: OwnerRecord, next: ServicePatch, signal: AbortSignal): Promise<OwnerRecord | undefined> {
    const { transport, names, onFinalized } = this.#options;
    const path = pathOf(service, next.subresource);
    try {
      const after = recordOf(service, await patch<KubeObject>(transport, path, next.patch, signal), names);
      if (next.finalizes) onFinalized?.(after);
      return after;
    } catch (error) {
      if (writeFailure(error) !== 'changed') throw error;
    }
    const present = recordOf(service, await get<KubeObject>(transport, pathOf(service), signal), names);
    return present.uid === service.uid ? present : undefined;
  }

  /** Only what has not expired is kept. */
  #settle(key: string, wish: ServiceWish): void {
    const now = this.#options.clock.now();
    for (const [other, { at }] of this.#settled) {
      if (now - at < SETTLE_MS) break;
      this.#settled.delete(other);
    }
    this.#settled.delete(key);
    this.#settled.set(key, { wish: JSON.stringify(wish), at: now });
  }
}

function pathOf({ kind, namespace, name }: OwnerRecord, subresource?: 'status'): string {
  return kind === 'Ingress' ? ingressPath(namespace, name, subresource) : servicePath(namespace, name, subresource);
}

/** @param object of the same kind as `known`, as the API server has it */
function recordOf(known: OwnerRecord, object: KubeObject, names: InstanceNames): OwnerRecord {
  return known.kind === 'Ingress' ? ingressRecord(object as Ingress, names) : serviceRecord(object as Service, names);
}

/** The claim comes before anything is made, the status after: neither replaces the other. */
function keyOf({ uid }: OwnerRecord, wish: ServiceWish): string {
  return wish.type === 'claimed' ? `${uid}/claim` : statusKey(uid);
}

function statusKey(serviceUid: string): string {
  return `${serviceUid}/status`;
}
