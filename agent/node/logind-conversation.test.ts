import { beforeEach, expect, test } from 'vitest';
import { type DbusMessage, decodeMessage, messageLength, stringBody } from './dbus/dbus-message.ts';
import { LogindConversation } from './logind-conversation.ts';

const LOGIND = ':1.3';
const HELLO = 1;
const ADD_MATCH = 2;
const GET = 3;

let told: boolean[];
let conversation: LogindConversation;

beforeEach(() => {
  told = [];
  conversation = new LogindConversation(isPreparing => told.push(isPreparing));
});

function message(fields: Partial<DbusMessage>): DbusMessage {
  return { type: 'return', serial: 1, signature: '', body: Buffer.alloc(0), isLittleEndian: true, ...fields };
}

const truth = (value: boolean) => ({ signature: 'b', body: Buffer.from([value ? 1 : 0, 0, 0, 0]) });

function hear(sender: string, isPreparing: boolean): DbusMessage | undefined {
  const signal = { interface: 'org.freedesktop.login1.Manager', member: 'PrepareForShutdown', sender };
  const asked = conversation.receive(message({ type: 'signal', ...signal, ...truth(isPreparing) }));
  return asked && decodeMessage(asked);
}

const answer = (replySerial: number, fields: Partial<DbusMessage> = {}) =>
  conversation.receive(message({ replySerial, ...fields }));

test('the signal is subscribed to before the present state is asked for', () => {
  let bytes = conversation.opening();
  const members: (string | undefined)[] = [];
  while (bytes.length > 0) {
    const length = messageLength(bytes) ?? 0;
    members.push(decodeMessage(bytes.subarray(0, length)).member);
    bytes = bytes.subarray(length);
  }
  expect(members).toEqual(['Hello', 'AddMatch', 'Get']);
});

test('it listens once the bus has taken the subscription', () => {
  answer(HELLO);
  expect(conversation.isListening).toBe(false);
  answer(ADD_MATCH);
  expect(conversation.isListening).toBe(true);
});

test('a shutdown that is under way already is told', () => {
  answer(GET, truth(true));
  expect(told).toEqual([true]);
});

test('a signal counts when the bus says that its sender is logind', () => {
  const asked = hear(LOGIND, true);
  expect(asked).toMatchObject({ member: 'GetNameOwner', destination: 'org.freedesktop.DBus' });
  expect(told).toEqual([]);
  answer(asked?.serial ?? 0, stringBody(LOGIND));
  expect(told).toEqual([true]);
});

test('a shutdown that was called off is told', () => {
  answer(hear(LOGIND, true)?.serial ?? 0, stringBody(LOGIND));
  answer(hear(LOGIND, false)?.serial ?? 0, stringBody(LOGIND));
  expect(told).toEqual([true, false]);
});

test('a signal that somebody else sent counts for nothing', () => {
  answer(hear(':1.99', true)?.serial ?? 0, stringBody(LOGIND));
  expect(told).toEqual([]);
});

test('a signal while nobody is logind counts for nothing', () => {
  const serial = hear(':1.99', true)?.serial ?? 0;
  answer(serial, { type: 'error', errorName: 'org.freedesktop.DBus.Error.NameHasNoOwner' });
  expect(told).toEqual([]);
});

test('a flood of signals is not kept', () => {
  const asked = Array.from({ length: 100 }, () => hear(':1.99', true)).filter(call => call !== undefined);
  expect(asked).toHaveLength(16);
});

test('a bus without logind is listened to all the same', () => {
  answer(ADD_MATCH);
  answer(GET, { type: 'error', errorName: 'org.freedesktop.DBus.Error.NameHasNoOwner' });
  expect(conversation.isListening).toBe(true);
  expect(conversation.hasLogind).toBe(false);
});

test('a bus that refuses the subscription is no bus to listen to', () => {
  const refusal = { type: 'error' as const, errorName: 'org.freedesktop.DBus.Error.AccessDenied' };
  expect(() => answer(ADD_MATCH, refusal)).toThrow('AccessDenied');
});
