import assert from 'node:assert/strict';
import type { Clock } from '../../common/clock.ts';
import { create, patch } from '../../common/kube/client.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import type { WorkQueueObserver } from '../../common/work-queue.ts';
import { TerminalError } from '../../common/workers.ts';
import { LatestWork } from './latest-work.ts';
import { writeFailure } from './write-failure.ts';

/** The object an Event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for a Node, which has none. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** One thing that happened; the same again is counted, not written anew. */
export interface EventNote {
  readonly subject: EventSubject;
  readonly type: 'Normal' | 'Warning';
  /** CamelCase: `QuotaExceeded`. */
  readonly reason: string;
  /** `CD1xxx` input, `CD2xxx` cloud, `CD3xxx` cluster; documented in docs/errors.md. Stands before the message. */
  readonly code: string;
  /** Without what differs from one occurrence to the next, such as a request id: each text is an Event of its own. */
  readonly message: string;
}

export interface EventRecorderOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  /** Name of the writing process. */
  readonly instance: string;
  readonly onError: (note: EventNote, error: unknown) => void;
  readonly observer?: WorkQueueObserver;
}

const COMPONENT = 'clb-direct';
const SERIES_MAX = 4_096;
const CONCURRENCY = 4;
const WRITE_TIMEOUT_MS = 5_000;
const BACKOFF = { initialMs: 500, maximumMs: 60_000 };
/** Between two writes of one series: at first, and, doubling with each write, at last. The server keeps Events an hour. */
const INTERVAL_MIN_MS = 10_000;
const INTERVAL_MAX_MS = 600_000;
/** After so long without another occurrence a series is over. */
const SERIES_ENDS_MS = 2 * INTERVAL_MAX_MS;
/** Where the API server wants the Events of objects without a namespace. */
const DEFAULT_NAMESPACE = 'default';
/** The API server's limit for the text of an Event. */
const MESSAGE_CHARACTERS_MAX = 1_024;
/** Leaves room for the suffix within the 253 characters of a name. */
const NAME_CHARACTERS_MAX = 230;

interface KubeEvent extends KubeObject {
  readonly involvedObject: EventSubject;
  readonly reason: string;
  readonly message: string;
  readonly type: string;
  readonly count: number;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly source: { readonly component: string };
  readonly reportingComponent: string;
  readonly reportingInstance: string;
}

/** All occurrences of one note. */
interface Series {
  readonly note: EventNote;
  count: number;
  readonly firstAtMs: number;
  lastAtMs: number;
  /** Monotonic. */
  touchedAt: number;
  /** Name of the Event once it was created. */
  eventName: string | undefined;
  intervalMs: number;
  nextWriteAt: number;
}

/** Writes Kubernetes Events, the same ones as a count, and never more than one per series in 10 s. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #work: LatestWork<Series>;
  /** The least recently touched first. */
  readonly #series = new Map<string, Series>();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#work = new LatestWork<Series>({
      clock: options.clock,
      random: options.random,
      what: 'Event',
      keysMax: SERIES_MAX,
      concurrency: CONCURRENCY,
      backoff: BACKOFF,
      timeoutMs: WRITE_TIMEOUT_MS,
      work: (series, signal) => this.#write(series, signal),
      onError: ({ note }, error) => options.onError(note, error),
      ...(options.observer && { observer: options.observer }),
    });
  }

  /** Queues. Returns false when too many Events wait: this one is lost. */
  record(note: EventNote): boolean {
    assert(/^CD[123]\d{3}$/.test(note.code), `'${note.code}' is no code`);
    assert(/^[A-Z][A-Za-z0-9]*$/.test(note.reason), `'${note.reason}' is no CamelCase reason`);
    const { clock } = this.#options;
    const key = [note.subject.uid, note.type, note.reason, note.code, note.message].join('\n');
    const series = this.#touch(key, note);
    return this.#work.submit(key, series, Math.max(0, series.nextWriteAt - clock.now()));
  }

  /** Writes until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#work.run(signal);
  }

  #touch(key: string, note: EventNote): Series {
    const { clock } = this.#options;
    const [now, wallMs] = [clock.now(), clock.wallNow()];
    const known = this.#series.get(key);
    const isOver = known === undefined || now - known.touchedAt >= SERIES_ENDS_MS;
    const series = isOver ? newSeries(note, now, wallMs) : known;
    series.count += 1;
    series.lastAtMs = wallMs;
    series.touchedAt = now;
    this.#series.delete(key);
    this.#series.set(key, series);
    const [oldest] = this.#series.keys();
    if (this.#series.size > SERIES_MAX && oldest !== undefined) this.#series.delete(oldest);
    return series;
  }

  async #write(series: Series, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    try {
      await this.#createOrCount(series, signal);
    } catch (error) {
      const failure = writeFailure(error);
      // A namespace that is gone or being deleted takes no Events, and no retry makes a refused one right.
      if (failure === 'gone') return;
      throw failure === 'invalid' ? new TerminalError(String(error), { cause: error }) : error;
    } finally {
      series.nextWriteAt = clock.now() + series.intervalMs;
      series.intervalMs = Math.min(INTERVAL_MAX_MS, series.intervalMs * 2);
    }
  }

  async #createOrCount(series: Series, signal: AbortSignal): Promise<void> {
    const { transport } = this.#options;
    const namespace = series.note.subject.namespace || DEFAULT_NAMESPACE;
    const collection = { version: 'v1', resource: 'events', namespace };
    if (series.eventName !== undefined) {
      const body = { count: series.count, lastTimestamp: time(series.lastAtMs) };
      const path = resourcePath({ ...collection, name: series.eventName });
      const isWritten = await patch(transport, path, { type: 'merge', body }, signal).then(
        () => true,
        error => {
          // The server has forgotten it: Events expire.
          if (writeFailure(error) === 'gone') return false;
          throw error;
        },
      );
      if (isWritten) return;
    }
    const event = this.#eventOf(series);
    await create(transport, resourcePath(collection), event, signal);
    series.eventName = event.metadata.name;
  }

  #eventOf({ note, count, firstAtMs, lastAtMs }: Series): KubeEvent {
    const { random, instance } = this.#options;
    const { subject, code, message, reason, type } = note;
    const suffix = Array.from({ length: 16 }, () => Math.floor(random.next() * 16).toString(16)).join('');
    const name = `${subject.name.slice(0, NAME_CHARACTERS_MAX)}.${suffix}`;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: subject.namespace || DEFAULT_NAMESPACE, name },
      involvedObject: subject,
      reason,
      message: `${code}: ${message}`.slice(0, MESSAGE_CHARACTERS_MAX),
      type,
      count,
      firstTimestamp: time(firstAtMs),
      lastTimestamp: time(lastAtMs),
      source: { component: COMPONENT },
      reportingComponent: COMPONENT,
      reportingInstance: instance,
    };
  }
}

function newSeries(note: EventNote, now: number, wallMs: number): Series {
  return {
    note,
    count: 0,
    firstAtMs: wallMs,
    lastAtMs: wallMs,
    touchedAt: now,
    eventName: undefined,
    intervalMs: INTERVAL_MIN_MS,
    nextWriteAt: now,
  };
}

/** Kubernetes' Time: whole seconds. */
function time(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
