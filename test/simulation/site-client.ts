import { sleep } from '../../common/clock.ts';
import { randomInteger } from '../../common/random.ts';
import type { ClientConnection, RequestTurn } from '../../sandbox/clb/forwarding.ts';
import { targetKey } from '../../sandbox/clb/state.ts';
import { type ClientOptions, countEnd, type Habit } from './model-client.ts';
import type { ServerConnection } from './model-server.ts';

/** What clients of layer 7 ask for. */
export interface Site {
  readonly protocol: 'HTTP' | 'HTTPS';
  readonly host: string;
  readonly path: string;
}

/** Targets that the load balancer tries for one request. */
const ATTEMPTS_MAX = 3;

/**
 * Sends requests to a listener of layer 7 until the signal aborts; each is counted once, and none is tried again by the
 * client. The load balancer opens a connection to a Pod for each request, and tries another Pod where one takes none.
 */
export async function runSiteClient(
  options: ClientOptions,
  { habit, site }: { readonly habit: Habit; readonly site: Site },
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, dataPlane, endpoint } = options;
  const pause = () => sleep(clock, randomInteger(random, ...habit.gapMs), signal).catch(() => undefined);
  await pause();
  while (!signal.aborted) {
    const connection = dataPlane.accept(endpoint);
    const requests = connection ? randomInteger(random, ...habit.requestsPerConnection) : 1;
    for (let request = 0; request < requests && !signal.aborted; request += 1) {
      options.tally.sent += 1;
      if (connection) await oneRequest(options, { habit, site, connection });
      else countEnd(options, 'refused', undefined);
      await pause();
    }
  }
}

interface Asking {
  readonly habit: Habit;
  readonly site: Site;
  readonly connection: ClientConnection;
}

async function oneRequest(options: ClientOptions, { habit, site, connection }: Asking): Promise<void> {
  const { clock, random } = options;
  let failure: string | undefined;
  const done = Promise.withResolvers<void>();
  const onEnd = (reason: string) => () => {
    failure ??= reason;
    done.resolve();
  };
  const reached = reach(options, { site, connection }, onEnd);
  if ('refusal' in reached) return countEnd(options, reached.refusal, undefined);
  const { turn, server } = reached;
  server.beginRequest();
  const timer = clock.schedule(randomInteger(random, ...habit.serviceMs), done.resolve);
  await done.promise;
  timer.cancel();
  countEnd(options, failure ?? 'ok', turn.target.address);
  server.endRequest();
  server.close();
  turn.close();
}

type Reached = { readonly turn: RequestTurn; readonly server: ServerConnection } | { readonly refusal: string };

function reach(
  { servers, random, address }: ClientOptions,
  { site, connection }: Pick<Asking, 'site' | 'connection'>,
  onEnd: (reason: string) => () => void,
): Reached {
  const except = new Set<string>();
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const turn = connection.request({ ...site, except }, onEnd('cut by the load balancer'));
    if (turn.kind !== 'target') return { refusal: turn.kind };
    const { address: target, port } = turn.target;
    const remote = { address, port: randomInteger(random, 20_000, 60_000) };
    const server = servers.at(target, port)?.accept(remote, onEnd('reset by the server'));
    turn.note({ reached: server !== undefined });
    if (server) return { turn, server };
    except.add(targetKey(turn.target));
  }
  return { refusal: 'unreachable' };
}
