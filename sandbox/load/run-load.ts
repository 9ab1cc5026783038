import { type Clock, sleep } from '../../common/clock.ts';
import { DeadlineExceededError, deadline } from '../../common/deadline.ts';
import type { Random } from '../../common/random.ts';
import { type LoadConnection, type LoadTransport, LostError } from './load-transport.ts';
import type { Response } from './response-parser.ts';
import { type LoadReport, type RequestKind, Tally } from './tally.ts';

export interface LoadOptions {
  readonly transport: LoadTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly path: string;
  /** Short requests per second, each on a connection of its own; sent when due, whatever became of the others. */
  readonly rate: number;
  readonly durationMs: number;
  /** Source addresses, used in turn; empty lets the system choose. */
  readonly clientAddresses: readonly string[];
  /** Clients that send one short request after another on one connection. */
  readonly keepAliveClients: number;
  /** Upper bound of the random gap between two requests of such a client. */
  readonly keepAliveGapMaxMs: number;
  /** After so many requests such a client closes its connection and makes another; default 0: it never does. */
  readonly keepAliveRequests?: number;
  /** Clients that send one long request after another. */
  readonly longClients: number;
  readonly longPath: string;
  readonly timeoutMs: number;
  readonly longTimeoutMs: number;
  /** Short requests on connections of their own that may be under way at once. */
  readonly inFlightMax: number;
  /** Asked for each answer that names its Pod; false makes it lost. */
  readonly isExpectedPod?: (pod: string) => boolean;
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface LoadProgress {
  readonly elapsedMs: number;
  readonly sent: number;
  readonly ok: number;
  readonly lost: number;
}

const PROGRESS_INTERVAL_MS = 1000;
/** Most that is sent to catch up when the process was held up, so that it does not cause a burst of its own. */
const CATCH_UP_MAX = 100;

/**
 * Loads a target and tells what became of every request; none is repeated. Resolves when the time is over, or the signal
 * has aborted, and what was under way has ended within its own limits.
 */
export async function runLoad(options: LoadOptions, signal: AbortSignal): Promise<LoadReport> {
  const run = new LoadRun(options);
  using limit = deadline(options.clock, 'the load', options.durationMs, signal);
  const keepAlive = Array.from({ length: options.keepAliveClients }, (_, index) =>
    run.keepAliveClient(index, limit.signal),
  );
  const long = Array.from({ length: options.longClients }, (_, index) => run.longClient(index, limit.signal));
  await Promise.all([run.freshRequests(limit.signal), run.progress(limit.signal), ...keepAlive, ...long]);
  return run.report();
}

class LoadRun {
  readonly #options: LoadOptions;
  readonly #tally: Tally;
  readonly #startedAt: number;
  /** Added to monotonic time gives wall time, so that a step of the wall clock does not tear the run apart. */
  readonly #wallOffsetMs: number;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#wallOffsetMs = options.clock.wallNow() - this.#startedAt;
    this.#tally = new Tally(this.#startedAt + this.#wallOffsetMs);
  }

  report(): LoadReport {
    return this.#tally.report();
  }

  /** Sends request number n at n / rate seconds. */
  async freshRequests(signal: AbortSignal): Promise<void> {
    const { clock, rate, inFlightMax } = this.#options;
    const underWay = new Set<Promise<void>>();
    for (let number = 0; !signal.aborted && rate > 0; ) {
      const due = Math.floor(((clock.now() - this.#startedAt) * rate) / 1000) + 1;
      const end = Math.min(due, number + CATCH_UP_MAX);
      for (; number < end; number += 1) {
        if (underWay.size >= inFlightMax) this.#tally.countNotSent();
        else track(underWay, this.#freshRequest(number));
      }
      const nextAt = this.#startedAt + (number * 1000) / rate;
      await pause(clock, Math.max(0, nextAt - clock.now()), signal);
    }
    await Promise.all(underWay);
  }

  async keepAliveClient(index: number, signal: AbortSignal): Promise<void> {
    const { clock, random, keepAliveGapMaxMs, keepAliveRequests = 0, path, timeoutMs } = this.#options;
    const client: Client = { address: this.#address(index), connection: undefined, pod: '' };
    for (let number = 1; !signal.aborted; number += 1) {
      await pause(clock, random.next() * keepAliveGapMaxMs, signal);
      // A turn of the event loop, so that a close which has arrived by now is seen before the next request.
      await pause(clock, 0, signal);
      if (signal.aborted) break;
      if (client.connection && !client.connection.isOpen) {
        if (!client.closedByAnswer) this.#tally.countClosedBetweenRequests();
        client.connection = undefined;
      }
      const isLast = keepAliveRequests > 0 && number % keepAliveRequests === 0;
      await this.#perform({ kind: 'keepAlive', path, timeoutMs, isLast }, client);
      if (isLast) {
        client.connection?.close();
        client.connection = undefined;
      }
    }
    client.connection?.close();
  }

  async longClient(index: number, signal: AbortSignal): Promise<void> {
    const { clock, longPath, longTimeoutMs } = this.#options;
    while (!signal.aborted) {
      const client: Client = { address: this.#address(index), connection: undefined, pod: '' };
      await this.#perform({ kind: 'long', path: longPath, timeoutMs: longTimeoutMs, isLast: true }, client);
      // A target that answers at once must not be asked in a tight loop.
      await pause(clock, PROGRESS_INTERVAL_MS, signal);
    }
  }

  async progress(signal: AbortSignal): Promise<void> {
    const { clock, onProgress } = this.#options;
    while (onProgress && !signal.aborted) {
      await pause(clock, PROGRESS_INTERVAL_MS, signal);
      const { sent, ok, lost } = this.#tally;
      onProgress({ elapsedMs: clock.now() - this.#startedAt, sent, ok, lost });
    }
  }

  #freshRequest(number: number): Promise<void> {
    const { path, timeoutMs } = this.#options;
    const client: Client = { address: this.#address(number), connection: undefined, pod: '' };
    return this.#perform({ kind: 'fresh', path, timeoutMs, isLast: true }, client);
  }

  /** Sends one request and counts it. */
  async #perform(request: Request, client: Client): Promise<void> {
    const { clock, transport } = this.#options;
    const startedAt = clock.now();
    this.#tally.countSent(request.kind, startedAt + this.#wallOffsetMs);
    using limit = deadline(clock, `the request for ${request.path}`, request.timeoutMs);
    try {
      client.connection ??= await transport.open(client.address, limit.signal);
      const options = { signal: limit.signal, isLast: request.isLast };
      const response = await client.connection.exchange(request.path, options);
      client.closedByAnswer = !response.keepsAlive;
      client.pod = this.#checkedPod(response);
      this.#tally.countOk(request.kind, client.pod, clock.now() - startedAt);
    } catch (error) {
      client.connection?.close();
      client.connection = undefined;
      this.#countLost(request, client, startedAt, lossOf(error));
    }
  }

  /** The Pod that answered, '' if the answer does not tell. @throws LostError unless it is a good answer. */
  #checkedPod(response: Response): string {
    if (response.status !== 200) throw new LostError('status', `status ${response.status}`);
    const pod = podOf(response);
    if (pod !== '' && this.#options.isExpectedPod?.(pod) === false) {
      throw new LostError('wrongPod', `answered by ${pod}`);
    }
    return pod;
  }

  #countLost(request: Request, client: Client, startedAt: number, error: LostError): void {
    this.#tally.countLost({
      cause: error.reason,
      detail: error.message,
      kind: request.kind,
      client: client.address ?? '',
      pod: client.pod,
      startedAt: startedAt + this.#wallOffsetMs,
      lostAt: this.#options.clock.now() + this.#wallOffsetMs,
    });
  }

  #address(number: number): string | undefined {
    const { clientAddresses } = this.#options;
    return clientAddresses[number % clientAddresses.length];
  }
}

interface Request {
  readonly kind: RequestKind;
  readonly path: string;
  readonly timeoutMs: number;
  readonly isLast: boolean;
}

interface Client {
  readonly address: string | undefined;
  connection: LoadConnection | undefined;
  /** Who answered last. */
  pod: string;
  /** The last answer said that the server would close, so its close tells nothing new. */
  closedByAnswer?: boolean;
}

/** The image `echo` answers with JSON that names its Pod. */
function podOf({ headers, body }: Response): string {
  if (!headers['content-type']?.startsWith('application/json')) return '';
  try {
    const { pod } = JSON.parse(body);
    return typeof pod === 'string' ? pod : '';
  } catch {
    return '';
  }
}

function lossOf(error: unknown): LostError {
  if (error instanceof LostError) return error;
  if (error instanceof DeadlineExceededError) return new LostError('timedOut', error.message);
  throw error;
}

function track(set: Set<Promise<void>>, promise: Promise<void>): void {
  set.add(promise);
  void promise.finally(() => set.delete(promise));
}

/** Sleeps, or stops sleeping when the run is over. */
async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await sleep(clock, delayMs, signal).catch(error => {
    if (!signal.aborted) throw error;
  });
}
