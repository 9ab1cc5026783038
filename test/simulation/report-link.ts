import { abortable } from '../../common/abortable.ts';
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
import { ReportTap } from './lies/report-tap.ts';
import type { ProcessClock } from './process/process-clock.ts';
import { type Direction, Route } from './route.ts';

/** Messages under way in one direction before the sender is told to wait. */
const PENDING_MAX = 64;

interface PipeOptions {
  readonly route: Route;
  readonly direction: Direction;
  readonly drawDelayMs: () => number;
  /** Nothing reaches it while it is frozen. */
  readonly receiver: ProcessClock;
}

type Parcel<T> = { readonly message: T } | { readonly end: Error | undefined };

/** One direction of a stream: delivers in order, each message after a delay of its own, its end as the last of them. */
class Pipe<T> {
  readonly #options: PipeOptions;
  readonly #arrived: Parcel<T>[] = [];
  #lastArrivalAt = 0;
  #underWay = 0;
  /** The sender says nothing more. */
  #isFinished = false;
  /** The receiver listens no more. */
  #isForsaken = false;
  #onArrival: (() => void) | undefined;
  #onSpace: (() => void)[] = [];

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  send(message: T): boolean {
    if (this.#isFinished) return true;
    this.#underWay += 1;
    this.#post({ message: copyMessage(message) });
    return this.#isForsaken || this.#underWay < PENDING_MAX;
  }

  async writable(): Promise<void> {
    if (this.#underWay >= PENDING_MAX && !this.#isFinished && !this.#isForsaken) {
      await new Promise<void>(resolve => this.#onSpace.push(resolve));
    }
  }

  /** Nothing more is sent; the receiver hears of it in its turn. */
  finish(error?: Error): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#post({ end: error });
    this.#freeSpace();
  }

  /** Nothing more is received; the reader's iteration ends at once. */
  forsake(): void {
    if (this.#isForsaken) return;
    this.#isForsaken = true;
    this.#arrived.length = 0;
    this.#arrived.push({ end: undefined });
    this.#onArrival?.();
    this.#freeSpace();
  }

  async *received(): AsyncIterable<T> {
    for (;;) {
      for (let parcel = this.#arrived.shift(); parcel; parcel = this.#arrived.shift()) {
        await this.#options.receiver.awake();
        if ('end' in parcel) {
          if (parcel.end) throw parcel.end;
          return;
        }
        this.#underWay -= 1;
        this.#freeSpace();
        yield parcel.message;
      }
      await new Promise<void>(resolve => {
        this.#onArrival = resolve;
      });
      this.#onArrival = undefined;
    }
  }

  #post(parcel: Parcel<T>): void {
    const { route, direction, drawDelayMs } = this.#options;
    const now = route.clock.now();
    this.#lastArrivalAt = Math.max(this.#lastArrivalAt, now + drawDelayMs() + route.extraMs());
    route.clock.schedule(this.#lastArrivalAt - now, () =>
      route.pass(direction, () => {
        if (this.#isForsaken) return;
        this.#arrived.push(parcel);
        this.#onArrival?.();
      }),
    );
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
      out.finish();
      back.forsake();
    },
  };
}

interface Listener {
  readonly handler: ReportHandler;
  readonly signal: AbortSignal;
  readonly process: ProcessClock;
  /** Its machine, where that is one that can go; undefined: another one. */
  readonly nodeName: string | undefined;
}

interface Caller {
  readonly identity: AgentIdentity;
  readonly process: ProcessClock;
  /** The agent is killed: its streams break, and no other ever opens. */
  readonly severed: AbortSignal;
}

/** Either end of a stream, as the machine below it sees it. */
interface Stream {
  /** The coordinator's process has gone: its machine tells the agent. */
  readonly breakDown: (error: Error) => void;
}

/** The network between agents and coordinators: streams by address, with latency, that can be cut, held up and slowed. */
export class ReportNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #listeners = new Map<string, Listener>();
  readonly #open = new Map<string, Set<Stream>>();
  readonly #routes = new Map<string, Route>();
  /** Names of machines that are gone without a word: nothing comes from them, not even that a connection has ended. */
  readonly dark = new Set<string>();
  /** Where agents can be made to lie. */
  readonly tap = new ReportTap();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Serves `address` until the signal aborts; then its streams break. */
  listen(address: string, handler: ReportHandler, place: Omit<Listener, 'handler'>): void {
    const listener = { handler, ...place };
    this.#listeners.set(address, listener);
    place.signal.addEventListener('abort', () => {
      this.#listeners.delete(address);
      if (this.#isDark(listener)) return;
      const error = new ReportChannelError('broken', `${address} went away`);
      for (const stream of this.#open.get(address) ?? []) stream.breakDown(error);
      this.#open.delete(address);
    });
  }

  #isDark({ nodeName }: Pick<Listener, 'nodeName'>): boolean {
    return nodeName !== undefined && this.dark.has(nodeName);
  }

  connector(caller: Caller): ReportConnector {
    return {
      resolve: async () => {
        if (this.#listeners.size === 0) throw new ReportChannelError('unavailable', 'the name has no address');
        return [...this.#listeners.keys()];
      },
      connect: (address, signal) => this.#connect(address, caller, signal),
    };
  }

  /** How many streams the listener there has open. */
  streamsAt(address: string): number {
    return this.#open.get(address)?.size ?? 0;
  }

  /** The way between a node's agents and a coordinator. */
  route(nodeName: string, address: string): Route {
    const key = `${nodeName} ${address}`;
    const known = this.#routes.get(key) ?? new Route(this.#clock);
    this.#routes.set(key, known);
    return known;
  }

  /** Of all agents that a node has now or will have. */
  routesOf(nodeName: string): readonly Route[] {
    return [...this.#routes].filter(([key]) => key.startsWith(`${nodeName} `)).map(([, route]) => route);
  }

  async #connect(address: string, caller: Caller, signal: AbortSignal): Promise<AgentChannel> {
    const { identity, severed } = caller;
    const route = this.route(identity.nodeName, address);
    await abortable(route.opened(), signal);
    if (severed.aborted) throw new ReportChannelError('unavailable', `${identity.podName} was killed`);
    const listener = this.#listeners.get(address);
    if (!listener) throw new ReportChannelError('unavailable', `${address} refuses connections`);
    const drawDelayMs = () => randomInteger(this.#random, 1, 5);
    const shared = { route, drawDelayMs };
    const up = new Pipe<Parameters<AgentChannel['send']>[0]>({
      ...shared,
      direction: 'up',
      receiver: listener.process,
    });
    const down = new Pipe<Parameters<CoordinatorChannel['send']>[0]>({
      ...shared,
      direction: 'down',
      receiver: caller.process,
    });
    const cut = (error?: Error) => {
      up.finish(error);
      down.finish(error);
    };
    const ends = [route.onCut(() => cut(new ReportChannelError('broken', 'connection reset by peer')))];
    const stream: Stream = { breakDown: cut };
    const open = this.#open.get(address) ?? new Set();
    this.#open.set(address, open.add(stream));
    const onSevered = () => {
      if (!this.dark.has(identity.nodeName)) cut(new ReportChannelError('broken', `${identity.podName} went away`));
    };
    severed.addEventListener('abort', onSevered, { once: true });
    ends.push(
      () => open.delete(stream),
      () => severed.removeEventListener('abort', onSevered),
    );
    const close = (error?: Error) => {
      if (!this.#isDark(listener)) down.finish(error);
    };
    void this.#serve(listener, identity, channel(down, up))
      .then(
        () => close(),
        error => close(new ReportChannelError('broken', error instanceof Error ? error.message : String(error))),
      )
      .then(() => up.forsake())
      .then(() => {
        for (const end of ends) end();
      });
    return this.tap.tapped(identity.nodeName, channel(up, down));
  }

  async #serve(
    { handler, process, signal }: Listener,
    identity: AgentIdentity,
    channel: CoordinatorChannel,
  ): Promise<void> {
    await process.awake();
    await handler(identity, channel, signal);
  }
}

/** As on the wire, the two sides share no object. Decoded messages hold plain values, arrays and objects. */
function copyMessage<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyMessage) as T;
  const copy: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) copy[name] = copyMessage(field);
  return copy as T;
}
