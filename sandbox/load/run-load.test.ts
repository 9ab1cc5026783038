import { describe, expect, test } from 'vitest';
import { type Clock, sleep } from '../../common/clock.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { type ExchangeOptions, type LoadConnection, type LoadTransport, LostError } from './load-transport.ts';
import { reportText } from './report-text.ts';
import type { Response } from './response-parser.ts';
import { type LoadOptions, runLoad } from './run-load.ts';
import { withEndedByApplication } from './tally.ts';

const never = new AbortController().signal;

const ok = (pod: string): Response => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ pod }),
  keepsAlive: true,
});

type Serve = (request: { path: string; at: number; connection: number }) => Response | LostError | 'never';

/** Answers after `latencyMs`, as `serve` says, and closes idle connections when told to. */
class ScriptedServer implements LoadTransport {
  readonly opened: (string | undefined)[] = [];
  latencyMs = 5;
  readonly #clock: Clock;
  readonly #serve: Serve;
  readonly #connections: { isOpen: boolean }[] = [];

  constructor(clock: Clock, serve: Serve) {
    this.#clock = clock;
    this.#serve = serve;
  }

  closeAll(): void {
    for (const connection of this.#connections) connection.isOpen = false;
  }

  async open(localAddress: string | undefined): Promise<LoadConnection> {
    const number = this.opened.push(localAddress);
    const connection = {
      isOpen: true,
      close: () => {
        connection.isOpen = false;
      },
      exchange: async (path: string, { signal }: ExchangeOptions) => {
        await sleep(this.#clock, this.latencyMs, signal);
        const answer = this.#serve({ path, at: this.#clock.now(), connection: number });
        if (answer === 'never') return new Promise<never>((_, reject) => rejectOnAbort(signal, reject));
        if (answer instanceof LostError) throw answer;
        return answer;
      },
    };
    this.#connections.push(connection);
    return connection;
  }
}

function rejectOnAbort(signal: AbortSignal, reject: (reason: unknown) => void): void {
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
}

function setUp(serve: Serve, overrides: Partial<LoadOptions> = {}) {
  const clock = new VirtualClock();
  const server = new ScriptedServer(clock, serve);
  const options: LoadOptions = {
    transport: server,
    clock,
    random: seededRandom(1),
    path: '/',
    rate: 100,
    durationMs: 10_000,
    clientAddresses: ['127.200.0.1', '127.200.0.2'],
    keepAliveClients: 0,
    keepAliveGapMaxMs: 1000,
    longClients: 0,
    longPath: '/hold?seconds=15',
    timeoutMs: 10_000,
    longTimeoutMs: 30_000,
    inFlightMax: 5000,
    ...overrides,
  };
  const load = async (signal: AbortSignal = never) => {
    const report = runLoad(options, signal);
    await clock.advance(60_000);
    return report;
  };
  return { clock, server, load };
}

describe('requests on fresh connections', () => {
  test('are sent at the given rate from each address in turn, whatever becomes of them', async () => {
    const { server, load } = setUp(() => 'never');
    const report = await load();
    expect(report).toMatchObject({ sent: 1000, ok: 0, lostTotal: 1000, lost: { timedOut: 1000 } });
    expect(server.opened.slice(0, 3)).toEqual(['127.200.0.1', '127.200.0.2', '127.200.0.1']);
    expect(report.timeline.slice(0, 100).every(slot => slot.sent === 10)).toBe(true);
  });

  test('that are answered count for their Pod, with their latency', async () => {
    const { load } = setUp(({ connection }) => ok(connection % 4 === 0 ? 'web-b' : 'web-a'));
    const report = await load();
    expect(report).toMatchObject({ sent: 1000, ok: 1000, lostTotal: 0, answersByPod: { 'web-a': 750, 'web-b': 250 } });
    expect(report.latency.p50Ms).toBeCloseTo(5, 0);
  });

  test.each<[string, Response | LostError, Partial<LoadOptions>]>([
    ['refused', new LostError('refused', ''), {}],
    ['reset', new LostError('reset', ''), {}],
    ['truncated', new LostError('truncated', ''), {}],
    ['status', { ...ok('web-a'), status: 503 }, {}],
    ['wrongPod', ok('web-x'), { isExpectedPod: pod => pod === 'web-a' }],
  ])('lost by "%s" are counted under it, in the 100 ms they were lost', async (cause, answer, overrides) => {
    const { load } = setUp(({ at }) => (at > 5000 && at < 5100 ? answer : ok('web-a')), overrides);
    const report = await load();
    expect(report).toMatchObject({ sent: 1000, lostTotal: 10, lost: { [cause]: 10 } });
    expect(report.ok + report.lostTotal).toBe(report.sent);
    expect(report.timeline[50]?.lost).toBe(10);
  });

  test('beyond the most that may be under way are not sent, and counted', async () => {
    const { load } = setUp(() => 'never', { inFlightMax: 20 });
    expect(await load()).toMatchObject({ sent: 20, notSent: 980 });
  });
});

describe('keep-alive clients', () => {
  test('use one connection each', async () => {
    const { server, load } = setUp(() => ok('web-a'), { rate: 0, keepAliveClients: 3 });
    const report = await load();
    expect(server.opened).toHaveLength(3);
    expect(report.sentByKind.keepAlive).toBeGreaterThan(40);
    expect(report.lostTotal).toBe(0);
  });

  test('make a new connection after as many requests as they may send on one', async () => {
    const { server, load } = setUp(() => ok('web-a'), { rate: 0, keepAliveClients: 1, keepAliveRequests: 5 });
    const report = await load();
    expect(server.opened).toHaveLength(Math.ceil(report.sent / 5));
    expect(report).toMatchObject({ lostTotal: 0, closedBetweenRequests: 0 });
  });

  test('lose nothing when a connection is closed between two requests', async () => {
    const { clock, server, load } = setUp(() => ok('web-a'), { rate: 0, keepAliveClients: 3 });
    server.latencyMs = 0;
    clock.schedule(5000, () => server.closeAll());
    const report = await load();
    expect(report).toMatchObject({ lostTotal: 0, closedBetweenRequests: 3 });
    expect(server.opened).toHaveLength(6);
  });

  test('lose the request that a reset hits, with the Pod that had answered before', async () => {
    const { load } = setUp(({ at }) => (at > 5000 && at < 6000 ? new LostError('reset', 'cut') : ok('web-a')), {
      rate: 0,
      keepAliveClients: 1,
    });
    const report = await load();
    expect(report.lost.reset).toBeGreaterThan(0);
    expect(report.losses[0]).toMatchObject({ cause: 'reset', kind: 'keepAlive', pod: 'web-a', detail: 'cut' });
  });
});

test('long requests go one after another, and have their own limit', async () => {
  const { clock, server, load } = setUp(({ path }) => (path === '/hold?seconds=15' ? ok('web-a') : 'never'), {
    rate: 0,
    longClients: 2,
    durationMs: 40_000,
  });
  server.latencyMs = 15_000;
  const report = await load();
  expect(report).toMatchObject({ sent: 6, ok: 6, sentByKind: { long: 6 } });
  expect(clock.now()).toBe(60_000);
});

test('losses that the caller names are counted as ended by the application, and no longer as lost', async () => {
  const { load } = setUp(({ at }) => (at > 5000 && at < 5100 ? new LostError('reset', '') : ok('web-a')));
  const report = withEndedByApplication(await load(), loss => loss.client === '127.200.0.1');
  expect(report).toMatchObject({ lostTotal: 5, endedByApplication: 5, lost: { reset: 5 } });
  expect(report.sent).toBe(report.ok + report.lostTotal + report.endedByApplication);
  expect(report.timeline[50]?.lost).toBe(5);
});

test('a stop ends the sending, and what is under way is still counted', async () => {
  const { clock, load } = setUp(() => ok('web-a'));
  const stop = new AbortController();
  clock.schedule(2000, () => stop.abort());
  const report = await load(stop.signal);
  expect(report.sent).toBeLessThanOrEqual(201);
  expect(report.ok).toBe(report.sent);
});

test('the text names sums, causes and Pods', async () => {
  const { load } = setUp(({ at }) => (at > 5000 && at < 5100 ? new LostError('refused', 'nobody there') : ok('web-a')));
  const lines = reportText(await load()).split('\n');
  expect(lines[0]).toBe('sent 1000 (1000 on fresh connections, 0 on kept ones, 0 long)');
  expect(lines[1]).toBe('ok 990, lost 10 (refused 10)');
  expect(lines).toContain('5 more losses');
  expect(lines.at(-1)).toBe('  web-a  990 answers');
});
