import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';
import { encodeMessage } from './dbus/dbus-message.ts';
import { ScriptedBus } from './scripted-bus.ts';
import { shutdownNotice } from './shutdown-notice.ts';
import type { NodeSignSource, Sign } from './sign-source.ts';

const ACCEPTED = 'DATA\r\nOK 0123456789abcdef\r\n';

let clock: VirtualClock;
let bus: ScriptedBus;
let log: CollectingLogger;
let told: (readonly Sign[])[];
let source: NodeSignSource;
let stop: AbortController;
let stopped: Promise<void>;

beforeEach(async () => {
  clock = new VirtualClock();
  bus = new ScriptedBus();
  log = new CollectingLogger();
  told = [];
  stop = new AbortController();
  source = shutdownNotice({ clock, random: seededRandom(5), log, bus });
  stopped = source.run(signs => told.push(signs), stop.signal);
  await clock.advance(0);
});
afterEach(async () => {
  stop.abort();
  await stopped;
});

const connection = (index = -1) => {
  const found = bus.connections.at(index);
  if (!found) throw new Error('nobody connected');
  return found;
};

function reply(replySerial: number, body?: boolean): Buffer {
  const signature = body === undefined ? '' : 'b';
  const bytes = Buffer.from(body === undefined ? [] : [body ? 1 : 0, 0, 0, 0]);
  return encodeMessage({ type: 'return', serial: 1, replySerial, signature, body: bytes });
}

async function listen(isPreparing: boolean): Promise<void> {
  connection().say(ACCEPTED);
  connection().say(Buffer.concat([reply(1), reply(2), reply(3, isPreparing)]));
  await clock.advance(0);
}

test('a shutdown is a sign', async () => {
  await listen(true);
  expect(told).toMatchObject([[{ kind: NodeSignKind.SHUTDOWN }]]);
  expect(source.describe()).toBe('listens to logind');
});

test('what the bus says may come in pieces', async () => {
  connection().say(ACCEPTED);
  for (const byte of Buffer.concat([reply(1), reply(2), reply(3, false)])) connection().say(Buffer.of(byte));
  await clock.advance(0);
  expect(told).toEqual([[]]);
});

test('a bus that is silent before it listens is left after five seconds', async () => {
  connection().say(ACCEPTED);
  await clock.advance(4_999);
  expect(connection(0).isClosed).toBe(false);
  await clock.advance(1);
  expect(connection(0).isClosed).toBe(true);
  expect(source.describe()).toContain('connecting to the system bus did not finish within 5000 ms');
});

test('a connection that listens stays, however quiet it is', async () => {
  await listen(false);
  await clock.advance(3_600_000);
  expect(bus.connections).toHaveLength(1);
  expect(connection().isClosed).toBe(false);
});

test('a bus that restarts is listened to again, and takes nothing back meanwhile', async () => {
  await listen(true);
  connection().close();
  await clock.advance(1_000);
  expect(bus.connections).toHaveLength(2);
  expect(told).toHaveLength(1);
  await listen(false);
  expect(told.at(-1)).toEqual([]);
});

test('a node without a bus is quiet about it, and asks about once a minute', async () => {
  bus.refusal = new Error('connect ENOENT /run/dbus/system_bus_socket');
  connection().close();
  await clock.advance(3_600_000);
  expect(source.describe()).toContain('connect ENOENT /run/dbus/system_bus_socket');
  expect(log.messages('debug').length).toBeLessThan(4);
  expect(log.messages('info').concat(log.messages('warn'))).toEqual([]);
});

describe('a bus that', () => {
  test.each([
    ['takes us for nobody', 'REJECTED EXTERNAL\r\n', "answers 'REJECTED EXTERNAL'"],
    ['talks and talks', 'x'.repeat(2_000), 'says too much'],
    ['is none', `${ACCEPTED}HTTP/1.1 400 Bad Request\r\n`, 'no mark of the byte order'],
  ])('%s is left', async (_, text, description) => {
    connection().say(text);
    await clock.advance(0);
    expect(connection(0).isClosed).toBe(true);
    expect(source.describe()).toContain(description);
  });

  test('says anything at all never ends the agent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.uint8Array({ maxLength: 200 }), async (isAccepted, noise) => {
        const { length } = bus.connections;
        if (isAccepted) connection().say(ACCEPTED);
        connection().say(noise);
        await clock.advance(0);
        connection().close();
        await clock.advance(60_000);
        expect(bus.connections.length).toBeGreaterThan(length);
      }),
      { numRuns: 300 },
    );
    expect(told).toEqual([]);
  });
});
