import type { Clock } from '../../common/clock.ts';
import type { Random } from '../../common/random.ts';
import { randomInteger } from '../../common/random.ts';
import {
  type AgentChannel,
  type AgentIdentity,
  type CoordinatorChannel,
  type ReportChannel,
  ReportChannelError,
  type ReportConnector,
  type ReportHandler,
} from '../../common/report-transport.ts';

/** Messages under way in one direction before the sender is told to wait. */
const PENDING_MAX = 64;

/** One direction of a stream: delivers in order, each message after a delay of its own. */
class Pipe<T> {
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  readonly #arrived: T[] = [];
  #lastArrivalAt = 0;
  #underWay = 0;
  #end: { readonly error?: Error } | undefined;
  #onArrival: (() => void) | undefined;
  #onSpace: (() => void)[] = [];

  constructor(clock: Clock, delayMs: () => number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  send(message: T): boolean {
    if (this.#end) return false;
    this.#underWay += 1;
    this.#lastArrivalAt = Math.max(this.#lastArrivalAt, this.#clock.now() + this.#delayMs());
    this.#clock.schedule(this.#lastArrivalAt - this.#clock.now(), () => {
      if (this.#end) return;
      this.#arrived.push(structuredClone(message));
      this.#onArrival?.();
    });
    return this.#underWay < PENDING_MAX;
  }

  async writable(): Promise<void> {
    if (this.#underWay >= PENDING_MAX && !this.#end) {
      await new Promise<void>(resolve => this.#onSpace.push(resolve));
    }
  }

  close(error?: Error): void {
    if (this.#end) return;
    this.#end = error ? { error } : {};
    this.#onArrival?.();
    this.#freeSpace();
  }

  async *received(): AsyncIterable<T> {
    for (;;) {
      for (let message = this.#arrived.shift(); message !== undefined; message = this.#arrived.shift()) {
        this.#underWay -= 1;
        this.#freeSpace();
        yield message;
      }
      if (this.#end) {
        if (this.#end.error) throw this.#end.error;
        return;
      }
      await new Promise<void>(resolve => {
        this.#onArrival = resolve;
      });
      this.#onArrival = undefined;
    }
  }

  #freeSpace(): void {
    const waiting = this.#onSpace;
    this.#onSpace = [];
    for (const resume of waiting) resume();
  }
}

function channel<Sent, Received>(out: Pipe<Sent>, back: Pipe<Received>): ReportChannel<Sent, Received> {
  return {
    send: message => out.send(message),
    writable: () => out.writable(),
    received: () => back.received(),
    close: () => {
      out.close();
      back.close();
    },
  };
}

/** The network between agents and coordinators: streams by address, with latency, that can be cut. */
export class ReportNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #listeners = new Map<string, { handler: ReportHandler; signal: AbortSignal }>();
  readonly #open = new Map<string, Set<(error: Error) => void>>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Serves `address` until the signal aborts; then its streams break. */
  listen(address: string, handler: ReportHandler, signal: AbortSignal): void {
    this.#listeners.set(address, { handler, signal });
    signal.addEventListener('abort', () => {
      this.#listeners.delete(address);
      for (const cut of this.#open.get(address) ?? []) cut(new ReportChannelError('broken', `${address} went away`));
      this.#open.delete(address);
    });
  }

  /** `severed`: the agent is killed; its streams break, and no other ever opens. */
  connector(identity: AgentIdentity, severed: AbortSignal): ReportConnector {
    return {
      resolve: async () => {
        if (this.#listeners.size === 0) throw new ReportChannelError('unavailable', 'the name has no address');
        return [...this.#listeners.keys()];
      },
      connect: async address => this.#connect(address, identity, severed),
    };
  }

  #connect(address: string, identity: AgentIdentity, severed: AbortSignal): AgentChannel {
    if (severed.aborted) throw new ReportChannelError('unavailable', `${identity.podName} was killed`);
    const listener = this.#listeners.get(address);
    if (!listener) throw new ReportChannelError('unavailable', `${address} refuses connections`);
    const delayMs = () => randomInteger(this.#random, 1, 5);
    const up = new Pipe<Parameters<AgentChannel['send']>[0]>(this.#clock, delayMs);
    const down = new Pipe<Parameters<CoordinatorChannel['send']>[0]>(this.#clock, delayMs);
    const cut = (error?: Error) => {
      up.close(error);
      down.close(error);
    };
    const open = this.#open.get(address) ?? new Set();
    this.#open.set(address, open.add(cut));
    const onSevered = () => cut(new ReportChannelError('broken', `${identity.podName} went away`));
    severed.addEventListener('abort', onSevered, { once: true });
    const served = listener.handler(identity, channel(down, up), listener.signal);
    void served.then(
      () => cut(),
      error => cut(new ReportChannelError('broken', error instanceof Error ? error.message : String(error))),
    );
    void served
      .catch(() => undefined)
      .then(() => {
        open.delete(cut);
        severed.removeEventListener('abort', onSevered);
      });
    return channel(up, down);
  }
}
