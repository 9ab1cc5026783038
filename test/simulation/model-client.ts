import { type Clock, sleep } from '../../common/clock.ts';
import { type Random, randomInteger } from '../../common/random.ts';
import type { Endpoint } from '../../sandbox/clb/forwarder.ts';
import type { VirtualDataPlane } from '../../sandbox/clb/virtual-data-plane.ts';
import type { EventLog } from './event-log.ts';
import type { ModelServers, ServerConnection } from './model-server.ts';

/** How requests ended. `lost` is what the user would have seen as an error. */
export interface Tally {
  sent: number;
  ok: number;
  readonly lost: Map<string, number>;
  readonly losses: Loss[];
}

export interface Loss {
  /** Wall milliseconds. */
  readonly at: number;
  readonly reason: string;
  /** The Pod's address; undefined when the request reached none. */
  readonly target: string | undefined;
}

export function emptyTally(): Tally {
  return { sent: 0, ok: 0, lost: new Map(), losses: [] };
}

export function lostTotal(lost: ReadonlyMap<string, number>): number {
  return [...lost.values()].reduce((sum, count) => sum + count, 0);
}

export interface ClientOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: EventLog;
  readonly dataPlane: VirtualDataPlane;
  readonly servers: ModelServers;
  readonly endpoint: Endpoint;
  readonly tally: Tally;
  readonly address: string;
}

export interface Habit {
  /** Between two requests. */
  readonly gapMs: readonly [number, number];
  /** How long the server takes. */
  readonly serviceMs: readonly [number, number];
  /** Requests on one connection. */
  readonly requestsPerConnection: readonly [number, number];
}

export const SHORT: Habit = { gapMs: [20, 200], serviceMs: [1, 20], requestsPerConnection: [1, 1] };
export const KEEP_ALIVE: Habit = { gapMs: [10, 1_000], serviceMs: [1, 20], requestsPerConnection: [5, 30] };
export const LONG: Habit = { gapMs: [500, 3_000], serviceMs: [15_000, 15_000], requestsPerConnection: [1, 1] };

/** Sends requests until the signal aborts; each is counted once, and none is tried again. */
export async function runClient(options: ClientOptions, habit: Habit, signal: AbortSignal): Promise<void> {
  const { clock, random } = options;
  const pause = () => sleep(clock, randomInteger(random, ...habit.gapMs), signal).catch(() => undefined);
  await pause();
  while (!signal.aborted) {
    await oneConnection(options, habit, pause, signal);
    await pause();
  }
}

type End = 'ok' | 'closed between requests' | string;

async function oneConnection(
  options: ClientOptions,
  habit: Habit,
  pause: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { random, clock } = options;
  let failure: string | undefined;
  let interrupt = () => {};
  const onEnd = (reason: string) => () => {
    failure ??= reason;
    interrupt();
  };
  const { server, target, close } = connect(options, onEnd);
  const requests = server ? randomInteger(random, ...habit.requestsPerConnection) : 1;
  for (let request = 0; request < requests && !signal.aborted; request += 1) {
    if (request > 0) await pause();
    // A close between two requests is the client's to notice; it opens another connection and loses nothing.
    if (request > 0 && failure) break;
    options.tally.sent += 1;
    server?.beginRequest();
    const done = Promise.withResolvers<void>();
    interrupt = done.resolve;
    const timer = clock.schedule(server ? randomInteger(random, ...habit.serviceMs) : 0, done.resolve);
    await done.promise;
    timer.cancel();
    countEnd(options, server ? (failure ?? 'ok') : 'refused', target);
    server?.endRequest();
  }
  close();
}

/** `target`: the Pod that the load balancer chose; `server`: undefined when nobody accepted there. */
interface ClientConnection {
  readonly target: string | undefined;
  readonly server: ServerConnection | undefined;
  close(): void;
}

function connect(options: ClientOptions, onEnd: (reason: string) => () => void): ClientConnection {
  const { dataPlane, servers, endpoint, address, random } = options;
  const through = dataPlane.connect(endpoint, address, onEnd('cut by the load balancer'));
  if (!through) return { target: undefined, server: undefined, close: () => undefined };
  const { address: target, port } = through.target;
  const remote = { address, port: randomInteger(random, 20_000, 60_000) };
  const onReset = onEnd('reset by the server');
  const server = servers.at(target, port)?.accept(remote, () => {
    onReset();
    through.close();
  });
  const close = () => {
    server?.close();
    through.close();
  };
  return { target, server, close };
}

/** How one request ended: `ok`, or what the user would have seen. */
export function countEnd(options: ClientOptions, end: End, target: string | undefined): void {
  const { clock, tally, log, address } = options;
  if (end === 'ok') {
    tally.ok += 1;
    return;
  }
  tally.lost.set(end, (tally.lost.get(end) ?? 0) + 1);
  tally.losses.push({ at: clock.wallNow(), reason: end, target });
  log.add('lost', { client: address, reason: end, target });
}
