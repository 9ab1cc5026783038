import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../random.ts';
import { VirtualClock } from '../virtual-clock.ts';
import type { KubeObject } from './objects.ts';
import { type ReflectorEvent, runReflector } from './reflector.ts';
import { ScriptedTransport, type ScriptedWatch } from './scripted-transport.ts';
import { KubeConnectionError, type KubeRequest, type KubeResponse, KubeResponseError } from './transport.ts';

const PATH = '/api/v1/pods';
const EXPIRED = { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired' } as const;

let clock: VirtualClock;
let transport: ScriptedTransport;
let events: ReflectorEvent<string>[];
let watching: boolean[];
let errors: unknown[];
let abort: AbortController;
let finished: boolean;
let onEvent: (event: ReflectorEvent<string>) => void;

beforeEach(() => {
  clock = new VirtualClock();
  transport = new ScriptedTransport(() => listOf('10', pod('a', '5'), pod('b', '6')));
  events = [];
  errors = [];
  abort = new AbortController();
  finished = false;
  onEvent = event => events.push(event);
  watching = [];
});

afterEach(async () => {
  abort.abort(new Error('test over'));
  await clock.advance(0);
  expect(finished, 'an aborted reflector resolves').toBe(true);
});

describe('the list', () => {
  it('asks for pages without a resourceVersion and delivers them as one replacement', async () => {
    transport.answer = request =>
      request.query?.continue === undefined
        ? listPage('10', 'next', pod('a', '5'))
        : listPage('10', undefined, pod('b', '6'));
    await start();
    expect(transport.requests.map(request => request.query)).toEqual([
      { fieldSelector: 'spec.nodeName=node1', limit: '500' },
      { fieldSelector: 'spec.nodeName=node1', limit: '500', continue: 'next' },
    ]);
    expect(events).toEqual([{ type: 'replaced', items: pods('a', 'b'), resourceVersion: '10' }]);
  });

  it('starts again when the continue token has expired', async () => {
    let tokenUses = 0;
    transport.answer = request => {
      if (request.query?.continue === undefined) return listPage('10', 'next', pod('a', '5'));
      tokenUses += 1;
      return tokenUses === 1 ? { status: 410, body: EXPIRED } : listPage('10', undefined, pod('c', '6'));
    };
    await start();
    await clock.advanceUntil(() => events.length > 0, 1_000);
    expect(transport.requests.map(request => request.query?.continue)).toEqual([undefined, 'next', undefined, 'next']);
    expect(events[0]).toMatchObject({ items: pods('a', 'c') });
  });

  it('is repeated from the failed page after other errors', async () => {
    let tokenUses = 0;
    transport.answer = request => {
      if (request.query?.continue === undefined) return listPage('10', 'next', pod('a', '5'));
      tokenUses += 1;
      if (tokenUses === 1) throw new KubeConnectionError('reset');
      return listPage('10', undefined, pod('b', '6'));
    };
    await start();
    await clock.advanceUntil(() => events.length > 0, 1_000);
    expect(transport.requests.map(request => request.query?.continue)).toEqual([undefined, 'next', 'next']);
    expect(events[0]).toMatchObject({ items: pods('a', 'b') });
  });

  it('is given up when the server hangs, and tried again', async () => {
    transport.answer = () => (transport.requests.length === 1 ? new Promise(() => undefined) : listOf('10'));
    await start();
    await clock.advanceUntil(() => events.length > 0, 31_000);
    expect(String(errors[0])).toContain('list of /api/v1/pods did not finish within 30000 ms');
  });

  it('leaves out objects without projection', async () => {
    transport.answer = () => listOf('10', pod('a', '5'), pod('ignored', '6'));
    await start();
    expect(events[0]).toMatchObject({ items: pods('a') });
  });
});

describe('the watch', () => {
  it('starts at the version of the list, asks for bookmarks and for an end after 5 to 10 minutes', async () => {
    await start();
    const query = currentWatch().request.query;
    expect(query).toMatchObject({
      fieldSelector: 'spec.nodeName=node1',
      resourceVersion: '10',
      allowWatchBookmarks: 'true',
    });
    expect(Number(query?.timeoutSeconds)).toBeGreaterThanOrEqual(300);
    expect(Number(query?.timeoutSeconds)).toBeLessThanOrEqual(600);
  });

  it('tells of changes, deletions and progress in order', async () => {
    await start();
    currentWatch().push({ type: 'ADDED', object: pod('c', '11') });
    currentWatch().push({ type: 'MODIFIED', object: pod('a', '12') });
    currentWatch().push({ type: 'DELETED', object: pod('b', '13') });
    currentWatch().push({ type: 'BOOKMARK', object: { metadata: { name: '', resourceVersion: '20' } } });
    await clock.advance(0);
    expect(events.slice(1)).toEqual([
      { type: 'applied', key: 'default/c', item: 'c', resourceVersion: '11' },
      { type: 'applied', key: 'default/a', item: 'a', resourceVersion: '12' },
      { type: 'deleted', key: 'default/b', item: 'b', resourceVersion: '13' },
      { type: 'progressed', resourceVersion: '20' },
    ]);
  });

  it('counts a known object that lost its projection as deleted, an unknown one as progress', async () => {
    transport.answer = () => listOf('10', pod('a', '5'));
    await start();
    currentWatch().push({ type: 'MODIFIED', object: pod('a', '11', { ignored: 'true' }) });
    currentWatch().push({ type: 'MODIFIED', object: pod('a', '12', { ignored: 'true' }) });
    await clock.advance(0);
    expect(events.slice(1)).toEqual([
      { type: 'deleted', key: 'default/a', item: undefined, resourceVersion: '11' },
      { type: 'progressed', resourceVersion: '12' },
    ]);
  });

  it('is opened again from the last version, without a list, when the server ends it', async () => {
    await start();
    currentWatch().push({ type: 'BOOKMARK', object: { metadata: { name: '', resourceVersion: '20' } } });
    await clock.advance(300_000);
    currentWatch().end();
    await clock.advance(0);
    expect(transport.watches[1]?.request.query?.resourceVersion).toBe('20');
    expect(transport.requests).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it('is not opened in a hot loop when the server ends every stream at once', async () => {
    await start();
    for (let tick = 0; tick < 600; tick++) {
      for (const watch of transport.watches) watch.end();
      await clock.advance(100);
    }
    expect(transport.watches.length).toBeGreaterThan(3);
    expect(transport.watches.length).toBeLessThan(20);
  });

  it('is opened again from the last version after a broken connection', async () => {
    await start();
    currentWatch().push({ type: 'ADDED', object: pod('c', '11') });
    currentWatch().fail(new KubeConnectionError('reset'));
    await clock.advanceUntil(() => transport.watches.length === 2, 1_000);
    expect(currentWatch().request.query?.resourceVersion).toBe('11');
    expect(errors).toHaveLength(1);
  });

  it('is given up when the server neither speaks nor ends it in time', async () => {
    await start();
    await clock.advanceUntil(() => transport.watches.length === 2, 611_000);
    expect(String(errors[0])).toContain('watch of /api/v1/pods did not finish');
    expect(transport.watches[0]?.isClosed).toBe(true);
  });

  it.each([
    ['as a status', (watch: ScriptedWatch) => watch.fail(expiredResponse())],
    ['as an event', (watch: ScriptedWatch) => watch.push({ type: 'ERROR', object: EXPIRED })],
  ])('is followed by a new list when its version expired, told %s', async (_how, expire) => {
    await start();
    transport.answer = () => listOf('50', pod('z', '49'));
    expire(currentWatch());
    await clock.advanceUntil(() => transport.watches.length === 2, 1_000);
    expect(events.at(-1)).toEqual({ type: 'replaced', items: pods('z'), resourceVersion: '50' });
    expect(currentWatch().request.query?.resourceVersion).toBe('50');
  });

  it('keeps its version through other error events', async () => {
    await start();
    currentWatch().push({ type: 'ERROR', object: { kind: 'Status', status: 'Failure', code: 500 } });
    await clock.advanceUntil(() => transport.watches.length === 2, 1_000);
    expect(transport.requests).toHaveLength(1);
    expect(transport.watches[0]?.isClosed).toBe(true);
  });
});

describe('failures', () => {
  it('are retried ever more slowly, up to 30 s apart', async () => {
    const times: number[] = [];
    transport.answer = () => {
      times.push(clock.now());
      return { status: 403, body: { kind: 'Status', status: 'Failure', reason: 'Forbidden' } };
    };
    await start();
    await clock.advance(600_000);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.max(...gaps.slice(0, 1))).toBeLessThanOrEqual(800);
    expect(Math.max(...gaps)).toBeGreaterThan(15_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
    expect(errors).toHaveLength(times.length);
  });

  it('count from the start again after two quiet minutes', async () => {
    transport.answer = () => (transport.requests.length < 12 ? { status: 500, body: {} } : listOf('10'));
    await start();
    await clock.advanceUntil(() => events.length > 0, 300_000);
    await clock.advance(130_000);
    const brokenAt = clock.now();
    currentWatch().fail(new KubeConnectionError('reset'));
    await clock.advanceUntil(() => transport.watches.length === 2, 30_000);
    expect(clock.now() - brokenAt).toBeLessThanOrEqual(800);
  });

  it('of watches that stood for a while do not add up: nobody stays blind for long', async () => {
    await start();
    for (let count = 1; count <= 12; count += 1) {
      await clock.advance(6_000);
      currentWatch().fail(new KubeConnectionError('reset'));
      await clock.advanceUntil(() => transport.watches.length === count + 1, 800);
    }
  });

  it('of the consumer lead to a new list, so that nothing stays missed', async () => {
    let failed = false;
    onEvent = event => {
      if (event.type === 'applied' && !failed) {
        failed = true;
        throw new Error('consumer failed');
      }
      events.push(event);
    };
    await start();
    currentWatch().push({ type: 'ADDED', object: pod('c', '11') });
    await clock.advanceUntil(() => events.length === 2, 1_000);
    expect(String(errors[0])).toContain('consumer failed');
    expect(events.map(event => event.type)).toEqual(['replaced', 'replaced']);
    expect(transport.watches[0]?.isClosed).toBe(true);
  });
});

describe('that the watch stands', () => {
  it('is told when it was accepted, though nothing has happened yet, and that it does no more when it fails or ends', async () => {
    await start();
    expect(watching).toEqual([]);
    currentWatch().accept();
    expect(watching).toEqual([true]);
    currentWatch().fail(new KubeConnectionError('reset'));
    await clock.advance(5_000);
    expect(watching).toEqual([true, false]);
    currentWatch().accept();
    currentWatch().end();
    await clock.advance(0);
    expect(watching).toEqual([true, false, true, false]);
  });

  it('is told with what it tells', async () => {
    await start();
    currentWatch().push({ type: 'ADDED', object: pod('c', '11') });
    await clock.advance(0);
    expect(watching).toEqual([true]);
  });
});

describe('an abort', () => {
  it('during the list opens no watch and tells nothing', async () => {
    let reply: (response: KubeResponse) => void = () => undefined;
    transport.answer = () => new Promise(resolve => (reply = resolve));
    await start();
    abort.abort(new Error('stop'));
    reply(listOf('10'));
    await clock.advance(60_000);
    expect(finished).toBe(true);
    expect(transport.watches).toEqual([]);
    expect(events).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('during the watch closes it and is no error', async () => {
    await start();
    abort.abort(new Error('stop'));
    await clock.advance(0);
    expect(currentWatch().isClosed).toBe(true);
    expect(errors).toEqual([]);
  });

  it('during a back-off ends it at once', async () => {
    transport.answer = () => ({ status: 500, body: {} });
    await start();
    abort.abort(new Error('stop'));
    await clock.advance(0);
    expect(finished).toBe(true);
  });
});

async function start(): Promise<void> {
  const running = runReflector<KubeObject, string>(
    {
      transport,
      clock,
      random: seededRandom(1),
      path: PATH,
      query: { fieldSelector: 'spec.nodeName=node1' },
      project: object =>
        object.metadata.name === 'ignored' || object.metadata.labels?.ignored ? undefined : object.metadata.name,
      onEvent: event => onEvent(event),
      onWatching: isWatching => watching.push(isWatching),
      onError: error => errors.push(error),
    },
    abort.signal,
  );
  void running.then(() => {
    finished = true;
  });
  await clock.advance(0);
}

function currentWatch(): ScriptedWatch {
  const watch = transport.watches.at(-1);
  if (!watch) throw new Error('no watch was opened');
  return watch;
}

function pod(name: string, resourceVersion: string, labels: Record<string, string> = {}): KubeObject {
  return { metadata: { name, namespace: 'default', resourceVersion, labels } };
}

function pods(...names: string[]): Map<string, string> {
  return new Map(names.map(name => [`default/${name}`, name]));
}

function listOf(resourceVersion: string, ...items: KubeObject[]): KubeResponse {
  return listPage(resourceVersion, undefined, ...items);
}

function listPage(resourceVersion: string, token: string | undefined, ...items: KubeObject[]): KubeResponse {
  const metadata = token === undefined ? { resourceVersion } : { resourceVersion, continue: token };
  return { status: 200, body: { metadata, items } };
}

function expiredResponse(): KubeResponseError {
  const request: KubeRequest = { method: 'GET', path: PATH };
  return new KubeResponseError(request, { status: 410, body: EXPIRED });
}
