import type { Clock } from '../../common/clock.ts';
import { get, type Patch, patch } from '../../common/kube/client.ts';
import type { Service } from '../../common/kube/objects.ts';
import { servicePath } from '../../common/kube/paths.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import { FINALIZER, LOAD_BALANCER_ID_ANNOTATION } from '../../common/names.ts';
import type { Random } from '../../common/random.ts';
import { TerminalError } from '../../common/workers.ts';
import { LatestWork } from './latest-work.ts';
import { type ServiceRecord, serviceRecord } from './service-reflector.ts';
import { writeFailure } from './write-failure.ts';

/** What should stand on a Service about its load balancer. */
export interface ServiceStatus {
  readonly loadBalancerId: string;
  /** Exactly one of the two is written: the address, or the hostname when there is no address. */
  readonly address: string;
  readonly hostname: string;
}

/** What we want to be written on a Service: `released` takes everything of ours off. */
export type ServiceWish =
  | { readonly type: 'finalizer' }
  | { readonly type: 'status'; readonly status: ServiceStatus }
  | { readonly type: 'released' };

/** One patch of a Service; `subresource` undefined for the object itself. */
export interface ServicePatch {
  readonly subresource: 'status' | undefined;
  readonly patch: Patch;
}

/**
 * The patches that bring the Service to the wish, none if it is there. Each holds only for this UID, and those that change
 * the list of finalizers only for this version, since a list is replaced as a whole.
 */
function servicePatches(service: ServiceRecord, wish: ServiceWish): readonly ServicePatch[] {
  switch (wish.type) {
    case 'finalizer':
      // The API server lets nobody add a finalizer to what is being deleted.
      return service.finalized || service.deleting
        ? []
        : [finalizersPatch(service, [...service.finalizers, FINALIZER])];
    case 'status':
      return service.deleting ? [] : statusPatches(service, wish.status);
    case 'released':
      return releasePatches(service);
  }
}

function statusPatches(service: ServiceRecord, status: ServiceStatus): readonly ServicePatch[] {
  const patches: ServicePatch[] = [];
  if (service.loadBalancerId !== status.loadBalancerId) patches.push(annotationPatch(service, status.loadBalancerId));
  const wanted = status.address ? { ip: status.address } : { hostname: status.hostname };
  const [current, ...others] = service.ingress;
  const isWritten =
    others.length === 0 &&
    (current?.ip || undefined) === wanted.ip &&
    (current?.hostname || undefined) === wanted.hostname;
  if (!isWritten) patches.push(ingressPatch(service, [wanted]));
  return patches;
}

/** The finalizer goes last: after it a deleted Service is gone. */
function releasePatches(service: ServiceRecord): readonly ServicePatch[] {
  const patches: ServicePatch[] = [];
  // Nobody reads the status of what is about to vanish.
  if (!service.deleting && service.ingress.length > 0) patches.push(ingressPatch(service, []));
  if (!service.deleting && service.loadBalancerId !== undefined) patches.push(annotationPatch(service, null));
  if (service.finalized) {
    const rest = service.finalizers.filter(finalizer => finalizer !== FINALIZER);
    patches.push(finalizersPatch(service, rest));
  }
  return patches;
}

function finalizersPatch(service: ServiceRecord, finalizers: readonly string[]): ServicePatch {
  const { uid, resourceVersion } = service;
  return { subresource: undefined, patch: { type: 'merge', body: { metadata: { uid, resourceVersion, finalizers } } } };
}

function annotationPatch(service: ServiceRecord, loadBalancerId: string | null): ServicePatch {
  const metadata = { uid: service.uid, annotations: { [LOAD_BALANCER_ID_ANNOTATION]: loadBalancerId } };
  return { subresource: undefined, patch: { type: 'merge', body: { metadata } } };
}

function ingressPatch(service: ServiceRecord, ingress: readonly object[]): ServicePatch {
  const body = { metadata: { uid: service.uid }, status: { loadBalancer: { ingress } } };
  return { subresource: 'status', patch: { type: 'merge', body } };
}

export interface ServiceWriterOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (service: ServiceRecord, error: unknown) => void;
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
  readonly service: ServiceRecord;
  readonly wish: ServiceWish;
}

/** Brings Services to what is wished of them. Of one kind of wish the last per Service counts. */
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
      what: 'writing Service',
      keysMax: SERVICES_MAX,
      concurrency: CONCURRENCY,
      backoff: BACKOFF,
      timeoutMs: WRITE_TIMEOUT_MS,
      work: (request, signal) => this.#write(request, signal),
      onError: ({ service }, error) => options.onError(service, error),
    });
  }

  /** Queues what is not on the Service yet; returns false when too many wait. `service` is what our reflector knows. */
  write(service: ServiceRecord, wish: ServiceWish): boolean {
    if (servicePatches(service, wish).length === 0) return true;
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
  async #converge(known: ServiceRecord, wish: ServiceWish, signal: AbortSignal): Promise<void> {
    let service: ServiceRecord | undefined = known;
    for (let round = 0; round < ROUNDS_MAX && service; round++) {
      const [next] = servicePatches(service, wish);
      if (!next) return;
      service = await this.#apply(service, next, signal);
    }
    if (service) throw new Error(`Service ${known.namespace}/${known.name} changes too often to be written`);
  }

  /** @returns the Service as it is now, undefined when it is gone. */
  async #apply(service: ServiceRecord, next: ServicePatch, signal: AbortSignal): Promise<ServiceRecord | undefined> {
    const { transport } = this.#options;
    const { namespace, name, uid } = service;
    try {
      const path = servicePath(namespace, name, next.subresource);
      return serviceRecord(await patch<Service>(transport, path, next.patch, signal));
    } catch (error) {
      if (writeFailure(error) !== 'changed') throw error;
    }
    const present = serviceRecord(await get<Service>(transport, servicePath(namespace, name), signal));
    return present.uid === uid ? present : undefined;
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

/** The finalizer comes before anything is made, the status after: neither replaces the other. */
function keyOf(service: ServiceRecord, wish: ServiceWish): string {
  return `${service.uid}/${wish.type === 'finalizer' ? 'finalizer' : 'status'}`;
}
