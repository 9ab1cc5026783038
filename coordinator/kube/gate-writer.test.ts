import { afterEach, beforeEach, expect, it } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import { KubeConnectionError, type KubeResponse } from '../../common/kube/transport.ts';
import { READINESS_GATE } from '../../common/names.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { type Gate, GateWriter } from './gate-writer.ts';

const OK: KubeResponse = { status: 200, body: {} };
const closed: Gate = {
  podUid: 'u1',
  namespace: 'default',
  name: 'web-0',
  isOpen: false,
  wasOpen: false,
  reason: 'WaitingForHealthCheck',
  message: 'waiting',
};
const open: Gate = { ...closed, isOpen: true, reason: 'LoadBalancerReady', message: 'ready' };

let clock: VirtualClock;
let transport: ScriptedTransport;
let errors: unknown[];
let gone: string[];
let written: string[];
let writer: GateWriter;
let abort: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  transport = new ScriptedTransport(() => OK);
  errors = [];
  gone = [];
  written = [];
  writer = new GateWriter({
    names: DEFAULT_INSTANCE,
    transport,
    clock,
    random: seededRandom(1),
    onError: (_gate, error) => errors.push(error),
    onGone: gate => gone.push(gate.podUid),
    onWritten: gate => written.push(gate.reason),
  });
  abort = new AbortController();
  running = writer.run(abort.signal);
});

afterEach(async () => {
  abort.abort(new Error('test over'));
  await clock.advance(0);
  await running;
});

it('patches the condition of exactly this Pod, with the time of the transition', async () => {
  writer.write(open);
  await clock.advance(0);
  expect(transport.requests).toEqual([
    {
      method: 'PATCH',
      path: '/api/v1/namespaces/default/pods/web-0/status',
      contentType: 'application/strategic-merge-patch+json',
      body: {
        metadata: { uid: 'u1' },
        status: {
          conditions: [
            {
              type: READINESS_GATE,
              status: 'True',
              reason: 'LoadBalancerReady',
              message: 'ready',
              lastTransitionTime: '2026-01-01T00:00:00Z',
            },
          ],
        },
      },
    },
  ]);
});

it('leaves the time of the transition alone when only the reason changes', async () => {
  writer.write(closed);
  await clock.advance(0);
  expect(conditions()[0]).not.toHaveProperty('lastTransitionTime');
});

it('skips what is already written or waits to be written', async () => {
  writer.write(open);
  writer.write(open);
  await clock.advance(0);
  writer.write({ ...open });
  await clock.advance(1_000);
  expect(transport.requests).toHaveLength(1);
});

it('writes a new message about a shut gate after a moment, and of several the last', async () => {
  writer.write(closed);
  await clock.advance(0);
  writer.write({ ...closed, message: 'still waiting' });
  await clock.advance(200);
  writer.write({ ...closed, message: 'waiting on' });
  expect(conditions().map(condition => condition.message)).toEqual(['waiting']);
  await clock.advance(50);
  expect(conditions().map(condition => condition.message)).toEqual(['waiting', 'waiting on']);
});

it('opens and shuts a gate at once, whatever words wait', async () => {
  writer.write(closed);
  await clock.advance(0);
  writer.write({ ...closed, message: 'still waiting' });
  writer.write(open);
  await clock.advance(0);
  writer.write({ ...closed, message: 'another address' });
  await clock.advance(0);
  await clock.advance(1_000);
  expect(conditions().map(condition => condition.message)).toEqual(['waiting', 'ready', 'another address']);
});

it('ends with the last word when it changes while a patch is under way', async () => {
  const replies: ((response: KubeResponse) => void)[] = [];
  transport.answer = () => new Promise(resolve => replies.push(resolve));
  writer.write(closed);
  await clock.advance(0);
  writer.write(open);
  writer.write({ ...closed, message: 'shut again' });
  writer.write(open);
  replies.shift()?.(OK);
  await clock.advance(0);
  replies.shift()?.(OK);
  await clock.advance(0);
  expect(conditions().map(condition => condition.status)).toEqual(['False', 'True']);
});

it('writes at most 50 Pods at a time', async () => {
  transport.answer = () => new Promise(() => undefined);
  for (let index = 0; index < 80; index++) writer.write({ ...open, podUid: `u${index}` });
  await clock.advance(1_000);
  expect(transport.requests).toHaveLength(50);
});

it.each([
  ['is gone', { status: 404, body: { reason: 'NotFound' } }],
  [
    'was replaced by another of its name',
    { status: 409, body: { reason: 'Conflict', message: 'Precondition failed: UID in precondition: u1' } },
  ],
])('tells of a Pod that %s, and drops its gate for good', async (_what, response) => {
  transport.answer = () => response;
  writer.write(open);
  await clock.advance(60_000);
  writer.write(open);
  await clock.advance(60_000);
  expect(transport.requests).toHaveLength(1);
  expect(errors).toEqual([]);
  expect(gone).toEqual(['u1']);
});

it.each([
  ['a conflict with another writer', () => ({ status: 409, body: { message: 'the object has been modified' } })],
  ['a refusal that an administrator can lift', () => ({ status: 403, body: {} })],
  ['a broken connection', () => Promise.reject(new KubeConnectionError('reset'))],
])('tries again after %s', async (_what, fail) => {
  transport.answer = () => (transport.requests.length < 3 ? fail() : OK);
  writer.write(open);
  await clock.advance(2_000);
  expect(transport.requests).toHaveLength(3);
  expect(errors).toHaveLength(2);
  expect(written).toEqual(['LoadBalancerReady']);
});

it('reports once what the API server can never accept', async () => {
  transport.answer = () => ({ status: 422, body: { message: 'reason: Invalid value' } });
  writer.write(open);
  writer.write(open);
  await clock.advance(60_000);
  writer.write(open);
  await clock.advance(60_000);
  expect(errors.map(String)).toEqual([expect.stringContaining('422 reason: Invalid value')]);
});

function conditions(): Record<string, unknown>[] {
  return transport.requests.map(
    ({ body }) => (body as { status: { conditions: [Record<string, unknown>] } }).status.conditions[0],
  );
}

it('does not try again for a Pod that was dropped meanwhile', async () => {
  transport.answer = () => ({ status: 503, body: {} });
  writer.write(open);
  await clock.advance(0);
  const tries = transport.requests.length;
  writer.drop(open.podUid);
  transport.answer = () => OK;
  await clock.advance(60_000);
  expect(tries).toBe(1);
  expect(transport.requests.length).toBe(tries);
});
