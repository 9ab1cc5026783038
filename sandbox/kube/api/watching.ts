import type { Clock } from '../../../common/clock.ts';
import type { WatchEvent } from '../../../common/kube/transport.ts';
import { type Random, randomInteger } from '../../../common/random.ts';
import { badRequest, expired, invalid, tooLargeResourceVersion } from './api-error.ts';
import type { Change } from './change-log.ts';
import { type ApiObject, type JsonObject, withFields } from './json.ts';
import { apiVersionOf, type Kind } from './kinds.ts';
import { parseResourceVersion, type Query } from './listing.ts';
import { type Matcher, matcherOf } from './selectors.ts';
import type { Store } from './store.ts';

const BOOKMARK_PERIOD_MS = 60_000;
/** A watch that asks for no timeout gets a random one in this range, as the real server's min-request-timeout does. */
const TIMEOUT_SECONDS_MIN = 1800;
const TIMEOUT_SECONDS_MAX = 3600;

/** An event and the clock time at which it came to be, so that carriers can delay each by their own latency. */
export interface TimedEvent {
  readonly at: number;
  readonly type: WatchEvent['type'];
  readonly object: JsonObject;
}

export interface WatchOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly query: Query;
}

/**
 * Prepares a watch from the state of this moment; the returned function runs it. Refusals are thrown here, before any event.
 * @throws ApiError 400 for malformed parameters, 504 for a version to come.
 */
export function startWatch(options: WatchOptions): (signal: AbortSignal) => AsyncIterable<TimedEvent> {
  const { store, kind, namespace, query } = options;
  if (query.sendInitialEvents !== undefined) {
    throw invalid(kind, '', [
      {
        field: 'sendInitialEvents',
        problem: 'Forbidden',
        detail: 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
      },
    ]);
  }
  const matches = inScope(namespace, matcherOf(kind, query.labelSelector, query.fieldSelector));
  const since = query.resourceVersion ? parseResourceVersion(query.resourceVersion) : 0;
  if (since > store.revision) throw tooLargeResourceVersion(since, store.revision);
  const timeoutMs = timeoutMsOf(query, options.random);
  const log = store.log(kind);
  const initial = since === 0 ? store.list(kind, namespace).filter(matches) : [];
  const position = since === 0 ? log.end : log.positionAfter(since);
  const tooOld = `too old resource version: ${since} (${log.compactedRevision})`;
  return signal => events(options, { matches, initial, position, tooOld, timeoutMs }, signal);
}

interface PreparedWatch {
  readonly matches: Matcher;
  readonly initial: readonly ApiObject[];
  /** Undefined: the history no longer reaches back to where the client wants to start. */
  readonly position: number | undefined;
  readonly tooOld: string;
  readonly timeoutMs: number;
}

function inScope(namespace: string | undefined, matches: Matcher): Matcher {
  if (namespace === undefined) return matches;
  return object => object.metadata.namespace === namespace && matches(object);
}

function timeoutMsOf(query: Query, random: Random): number {
  if (query.timeoutSeconds === undefined) return randomInteger(random, TIMEOUT_SECONDS_MIN, TIMEOUT_SECONDS_MAX) * 1000;
  const seconds = Number(query.timeoutSeconds);
  if (!Number.isInteger(seconds) || seconds < 0) {
    throw badRequest(`timeoutSeconds must be a number of 0 or more, got "${query.timeoutSeconds}"`);
  }
  return seconds === 0 ? TIMEOUT_SECONDS_MIN * 1000 : seconds * 1000;
}

async function* events(
  { store, clock, kind, query }: WatchOptions,
  watch: PreparedWatch,
  signal: AbortSignal,
): AsyncGenerator<TimedEvent> {
  const openedAt = clock.now();
  for (const object of watch.initial) yield { at: openedAt, type: 'ADDED', object };
  if (watch.position === undefined) {
    yield expiredEvent(openedAt, watch.tooOld);
    return;
  }
  const log = store.log(kind);
  const wantsBookmarks = query.allowWatchBookmarks === 'true' || query.allowWatchBookmarks === '1';
  const bookmark = (): TimedEvent => ({ at: clock.now(), type: 'BOOKMARK', object: bookmarkOf(kind, store.revision) });
  using pacing = new WatchPacing({ clock, timeoutMs: watch.timeoutMs, subscribe: wake => log.subscribe(wake), signal });
  let position = watch.position;
  for (;;) {
    for (; position < log.end; position++) {
      const change = log.at(position);
      if (!change) {
        yield expiredEvent(clock.now(), 'too old resource version: the watch fell behind the kept history');
        return;
      }
      const event = eventOf(change, watch.matches);
      if (event) yield event;
      if (signal.aborted) return;
    }
    const cause = await pacing.next(() => position < log.end);
    if (cause === 'aborted') return;
    if (cause !== 'changed' && wantsBookmarks) yield bookmark();
    if (cause === 'timedOut') return;
  }
}

type WakeCause = 'changed' | 'bookmarkDue' | 'timedOut' | 'aborted';

interface WatchPacingOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly subscribe: (wake: () => void) => () => void;
  readonly signal: AbortSignal;
}

/** What a watch waits for: a change, the next bookmark, its end. One set of timers for the whole watch. */
class WatchPacing implements Disposable {
  readonly #options: WatchPacingOptions;
  readonly #cleanUps: (() => void)[] = [];
  #bookmarkTimer: { cancel(): void };
  #isTimedOut = false;
  #isBookmarkDue = false;
  #wake: () => void = () => {};

  constructor(options: WatchPacingOptions) {
    this.#options = options;
    const { clock, timeoutMs, subscribe, signal } = options;
    const wake = () => this.#wake();
    const timeout = clock.schedule(timeoutMs, () => {
      this.#isTimedOut = true;
      wake();
    });
    this.#bookmarkTimer = this.#scheduleBookmark();
    signal.addEventListener('abort', wake, { once: true });
    this.#cleanUps.push(
      subscribe(wake),
      () => timeout.cancel(),
      () => signal.removeEventListener('abort', wake),
    );
  }

  #scheduleBookmark(): { cancel(): void } {
    return this.#options.clock.schedule(BOOKMARK_PERIOD_MS, () => {
      this.#isBookmarkDue = true;
      this.#bookmarkTimer = this.#scheduleBookmark();
      this.#wake();
    });
  }

  async next(hasChanged: () => boolean): Promise<WakeCause> {
    for (;;) {
      if (this.#options.signal.aborted) return 'aborted';
      if (hasChanged()) return 'changed';
      if (this.#isTimedOut) return 'timedOut';
      if (this.#isBookmarkDue) {
        this.#isBookmarkDue = false;
        return 'bookmarkDue';
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  [Symbol.dispose](): void {
    this.#bookmarkTimer.cancel();
    for (const cleanUp of this.#cleanUps) cleanUp();
  }
}

/** A change as this watch sees it: entering the selection is ADDED, leaving it DELETED. */
function eventOf(change: Change, matches: Matcher): TimedEvent | undefined {
  const { at, object, previous, revision } = change;
  const was = previous !== undefined && matches(previous);
  const is = change.type !== 'DELETED' && matches(object);
  if (is) return { at, type: was ? 'MODIFIED' : 'ADDED', object };
  if (!was) return undefined;
  const resourceVersion = String(revision);
  const last = change.type === 'DELETED' ? object : previous;
  return { at, type: 'DELETED', object: withFields(last, { metadata: { ...last.metadata, resourceVersion } }) };
}

function bookmarkOf(kind: Kind, revision: number): JsonObject {
  return {
    kind: kind.kind,
    apiVersion: apiVersionOf(kind),
    metadata: { resourceVersion: String(revision) },
  };
}

function expiredEvent(at: number, message: string): TimedEvent {
  return { at, type: 'ERROR', object: expired(message).body() };
}
