import { Backoff } from '../backoff.ts';
import { type Clock, sleep } from '../clock.ts';
import { type Deadline, deadline } from '../deadline.ts';
import { type Random, randomInteger } from '../random.ts';
import { listPage } from './client.ts';
import type { KubeList, KubeObject, ObjectMeta } from './objects.ts';
import { KubeResponseError, type KubeTransport, type WatchEvent } from './transport.ts';

/** What `runReflector` tells. Keys are `namespace/name`, or `name` for objects without namespace. */
export type ReflectorEvent<P> =
  /** Everything there is, from a consistent list (no cached `resourceVersion`): what is missing here did not exist then. */
  | { readonly type: 'replaced'; readonly items: ReadonlyMap<string, P>; readonly resourceVersion: string }
  | { readonly type: 'applied'; readonly key: string; readonly item: P; readonly resourceVersion: string }
  /** The object is gone, `item` being its last state; or its projection became undefined, and then `item` is. */
  | { readonly type: 'deleted'; readonly key: string; readonly item: P | undefined; readonly resourceVersion: string }
  /** Nothing of interest changed up to this version. */
  | { readonly type: 'progressed'; readonly resourceVersion: string };

export interface ReflectorOptions<T extends KubeObject, P> {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  /** Of the collection: `/api/v1/pods`. */
  readonly path: string;
  /** Selectors. */
  readonly query?: Readonly<Record<string, string>>;
  /**
   * The part that is kept; undefined for objects that are of no interest. Must accept every object the server stores: an
   * error here is reported and the list or watch tried again, so that nothing is taken for missing.
   */
  readonly project: (object: T) => P | undefined;
  readonly onEvent: (event: ReflectorEvent<P>) => void;
  /** The watch stands since now, or does so no more; perhaps more than once. */
  readonly onWatching?: (isWatching: boolean) => void;
  /** A list or watch failed (an expired version, code 410, included); it is tried again after a back-off. */
  readonly onError: (error: unknown) => void;
}

const PAGE_TIMEOUT_MS = 30_000;
/** The server is asked to end a watch after a random time in this range, so that clients do not return together. */
const WATCH_SECONDS_MIN = 300;
const WATCH_SECONDS_MAX = 600;
/** How much later than asked the server may end a watch before the connection counts as dead. */
const WATCH_OVERTIME_MS = 10_000;
/** A watch that ends sooner counts as failed: a server that closes every stream must not be asked in a hot loop. */
const WATCH_SHORTEST_MS = 1_000;
/** A watch that stood for so long has shown that the server is well. */
const WATCH_PROVEN_MS = 5_000;
/** client-go's reflector uses the same. */
const BACKOFF = { initialMs: 800, maximumMs: 30_000, resetAfterMs: 120_000 };
const GONE = 410;

/**
 * Lists and watches a collection until `signal` aborts; resolves then and never rejects. Each list gives one `replaced`,
 * after it changes come in the server's order. A list is repeated only when the version to watch from has expired or
 * `onEvent` threw. Between two lists of which the second is `replaced`, deletions are seen only as absence.
 */
export async function runReflector<T extends KubeObject, P>(
  options: ReflectorOptions<T, P>,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff({ ...BACKOFF, clock: options.clock, random: options.random });
  const stepper = new Stepper(options, signal);
  let state: State<P> = { phase: 'empty' };
  while (!signal.aborted) {
    try {
      const { event, next } = await stepper.step(state);
      state = next;
      if (signal.aborted) break;
      if (event) deliver(event, options);
    } catch (error) {
      if (signal.aborted) break;
      options.onWatching?.(false);
      options.onError(error);
      if (lastedLong(state, options.clock.now())) backoff.reset();
      state = await afterFailure(state, error);
      await sleep(options.clock, backoff.nextDelayMs(), signal).catch(() => undefined);
    }
  }
  if (state.phase === 'watching') await close(state);
}

type State<P> =
  | { readonly phase: 'empty' }
  /** At least one page was read and at least one is missing. */
  | {
      readonly phase: 'listing';
      readonly items: Map<string, P>;
      readonly resourceVersion: string;
      readonly continueToken: string;
    }
  /** Everything up to `resourceVersion` is known; no watch is open. */
  | { readonly phase: 'listed'; readonly resourceVersion: string }
  | Watching;

interface Watching {
  readonly phase: 'watching';
  readonly resourceVersion: string;
  readonly stream: AsyncIterator<WatchEvent>;
  readonly limit: Deadline;
  readonly openedAt: number;
}

interface Step<P> {
  readonly event?: ReflectorEvent<P>;
  readonly next: State<P>;
}

/** Takes one step at a time; a step either succeeds as a whole or throws and leaves the state as it was. */
class Stepper<T extends KubeObject, P> {
  readonly #options: ReflectorOptions<T, P>;
  readonly #signal: AbortSignal;
  /** Keys the consumer holds: the deletion of anything else is only progress. */
  #known = new Set<string>();

  constructor(options: ReflectorOptions<T, P>, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  step(state: State<P>): Promise<Step<P>> | Step<P> {
    switch (state.phase) {
      case 'empty':
        return this.#listPage({ items: new Map() });
      case 'listing':
        return this.#listPage(state);
      case 'listed':
        return { next: this.#openWatch(state.resourceVersion) };
      case 'watching':
        return this.#readWatch(state);
    }
  }

  /** Adds a page to `list.items`; a page that is asked for again overwrites itself. */
  async #listPage(list: {
    readonly items: Map<string, P>;
    readonly resourceVersion?: string;
    readonly continueToken?: string;
  }): Promise<Step<P>> {
    const { items } = list;
    const page = await this.#requestPage(list.continueToken);
    const resourceVersion = list.resourceVersion ?? versionOf(page.metadata);
    for (const object of page.items) {
      const item = this.#options.project(object);
      if (item !== undefined) items.set(objectKey(object.metadata), item);
    }
    const continueToken = page.metadata.continue;
    if (continueToken) return { next: { phase: 'listing', items, resourceVersion, continueToken } };
    this.#known = new Set(items.keys());
    return { event: { type: 'replaced', items, resourceVersion }, next: { phase: 'listed', resourceVersion } };
  }

  async #requestPage(continueToken: string | undefined): Promise<KubeList<T>> {
    const { transport, clock, path, query } = this.#options;
    using limit = deadline(clock, `list of ${path}`, PAGE_TIMEOUT_MS, this.#signal);
    return await listPage<T>(transport, { path, query, continueToken }, limit.signal);
  }

  #openWatch(resourceVersion: string): Watching {
    const { transport, clock, random, path, query, onWatching } = this.#options;
    const timeoutSeconds = randomInteger(random, WATCH_SECONDS_MIN, WATCH_SECONDS_MAX);
    const limit = deadline(clock, `watch of ${path}`, timeoutSeconds * 1000 + WATCH_OVERTIME_MS, this.#signal);
    const stream = transport.watch(
      {
        method: 'GET',
        path,
        query: { ...query, resourceVersion, allowWatchBookmarks: 'true', timeoutSeconds: `${timeoutSeconds}` },
      },
      limit.signal,
      () => onWatching?.(true),
    );
    const openedAt = clock.now();
    return { phase: 'watching', resourceVersion, stream: stream[Symbol.asyncIterator](), limit, openedAt };
  }

  async #readWatch(state: Watching): Promise<Step<P>> {
    const result = await state.stream.next();
    if (result.done) return { next: this.#afterEnd(state) };
    if (result.value.type === 'ERROR') throw watchFailure(this.#options.path, result.value.object);
    this.#options.onWatching?.(true);
    const event = this.#translate(result.value.type, result.value.object as T);
    return { event, next: { ...state, resourceVersion: event.resourceVersion } };
  }

  #afterEnd(state: Watching): State<P> {
    const lastedMs = this.#options.clock.now() - state.openedAt;
    if (lastedMs < WATCH_SHORTEST_MS) {
      throw new Error(`watch of ${this.#options.path}: the server ended it after ${Math.round(lastedMs)} ms`);
    }
    state.limit[Symbol.dispose]();
    this.#options.onWatching?.(false);
    return { phase: 'listed', resourceVersion: state.resourceVersion };
  }

  #translate(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', object: T): ReflectorEvent<P> {
    const resourceVersion = versionOf(object.metadata);
    if (type === 'BOOKMARK') return { type: 'progressed', resourceVersion };
    const key = objectKey(object.metadata);
    const item = this.#options.project(object);
    if (type !== 'DELETED' && item !== undefined) {
      this.#known.add(key);
      return { type: 'applied', key, item, resourceVersion };
    }
    const wasKnown = this.#known.delete(key);
    if (!wasKnown && item === undefined) return { type: 'progressed', resourceVersion };
    return { type: 'deleted', key, item, resourceVersion };
  }
}

/** What broke off after it had worked for a while is no sign of a server that would be helped by patience. */
function lastedLong<P>(state: State<P>, now: number): boolean {
  return state.phase === 'watching' && now - state.openedAt >= WATCH_PROVEN_MS;
}

/** `namespace/name`, or `name`. */
function objectKey(metadata: Pick<ObjectMeta, 'namespace' | 'name'>): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;
}

/** The consumer threw and may have missed an event: only a new list brings it back to the truth. */
class UndeliveredError extends Error {
  override readonly name = 'UndeliveredError';
}

function deliver<T extends KubeObject, P>(event: ReflectorEvent<P>, options: ReflectorOptions<T, P>): void {
  try {
    options.onEvent(event);
  } catch (cause) {
    throw new UndeliveredError(`the consumer of ${options.path} failed on a '${event.type}' event: ${cause}`, {
      cause,
    });
  }
}

async function afterFailure<P>(state: State<P>, error: unknown): Promise<State<P>> {
  if (state.phase === 'watching') await close(state);
  const isExpired = error instanceof KubeResponseError && error.status === GONE;
  if (isExpired || error instanceof UndeliveredError) return { phase: 'empty' };
  return state.phase === 'watching' ? { phase: 'listed', resourceVersion: state.resourceVersion } : state;
}

async function close(state: Watching): Promise<void> {
  state.limit[Symbol.dispose]();
  // The stream is left either way; how it ends says nothing more.
  await state.stream.return?.().catch(() => undefined);
}

function watchFailure(path: string, status: { code?: number }): KubeResponseError {
  return new KubeResponseError(
    { method: 'GET', path: `${path} (watch)` },
    { status: status.code ?? 500, body: status },
  );
}

function versionOf(metadata: { resourceVersion?: string }): string {
  if (!metadata.resourceVersion) throw new Error('the API server sent an object without resourceVersion');
  return metadata.resourceVersion;
}
