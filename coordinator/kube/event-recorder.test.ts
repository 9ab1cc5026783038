import { afterEach, beforeEach, expect, it } from 'vitest';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { type EventNote, EventRecorder } from './event-recorder.ts';

const note: EventNote = {
  subject: { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'u1' },
  type: 'Warning',
  reason: 'LoadBalancerNotFound',
  code: 'CD2004',
  message: 'lb-1 does not exist: correct the annotation',
};

let clock: VirtualClock;
let transport: ScriptedTransport;
let errors: unknown[];
let recorder: EventRecorder;
let abort: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  transport = new ScriptedTransport(() => ({ status: 201, body: {} }));
  errors = [];
  recorder = new EventRecorder({
    transport,
    clock,
    random: seededRandom(1),
    instance: 'coordinator-0',
    onError: (_note, error) => errors.push(error),
  });
  abort = new AbortController();
  running = recorder.run(abort.signal);
});

afterEach(async () => {
  abort.abort(new Error('test over'));
  await clock.advance(0);
  await running;
});

it('writes an Event of the object with reason and code', async () => {
  recorder.record(note);
  await clock.advance(0);
  expect(transport.requests).toMatchObject([
    {
      method: 'POST',
      path: '/api/v1/namespaces/shop/events',
      body: {
        kind: 'Event',
        metadata: { namespace: 'shop', name: expect.stringMatching(/^web\.[0-9a-f]{16}$/) },
        involvedObject: { kind: 'Service', name: 'web', uid: 'u1' },
        type: 'Warning',
        reason: 'LoadBalancerNotFound',
        message: 'CD2004: lb-1 does not exist: correct the annotation',
        count: 1,
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
        source: { component: 'clb-direct' },
        reportingInstance: 'coordinator-0',
      },
    },
  ]);
});

it('counts the same again, with at least 10 s between two writes and more as it goes on', async () => {
  const times: number[] = [];
  transport.answer = () => {
    times.push(clock.now());
    return { status: 200, body: {} };
  };
  for (let second = 0; second < 600; second++) {
    recorder.record(note);
    await clock.advance(1_000);
  }
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10_000);
  expect(times.length).toBeLessThan(8);
  expect(transport.requests.slice(1).every(({ method }) => method === 'PATCH')).toBe(true);
  const [, second] = transport.requests;
  expect(second?.path).toMatch(/^\/api\/v1\/namespaces\/shop\/events\/web\.[0-9a-f]{16}$/);
  expect(second?.body).toMatchObject({ count: 10, lastTimestamp: '2026-01-01T00:00:09Z' });
});

it('writes another message as an Event of its own, at once', async () => {
  recorder.record(note);
  recorder.record({ ...note, message: 'lb-2 does not exist' });
  await clock.advance(0);
  expect(transport.requests.map(({ method }) => method)).toEqual(['POST', 'POST']);
});

it('creates the Event anew when the server has forgotten it', async () => {
  transport.answer = ({ method }) => (method === 'PATCH' ? { status: 404, body: {} } : { status: 201, body: {} });
  recorder.record(note);
  await clock.advance(10_000);
  recorder.record(note);
  await clock.advance(0);
  expect(transport.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
  expect(transport.requests.at(-1)?.body).toMatchObject({ count: 2 });
});

it('begins to count anew after a long silence', async () => {
  recorder.record(note);
  await clock.advance(1_200_000);
  recorder.record(note);
  await clock.advance(0);
  expect(transport.requests.map(({ method }) => method)).toEqual(['POST', 'POST']);
  expect(transport.requests.at(-1)?.body).toMatchObject({ count: 1 });
});

it('tries again while the server fails, and gives up what it can never accept', async () => {
  transport.answer = () => ({ status: transport.requests.length === 1 ? 500 : 422, body: {} });
  recorder.record(note);
  await clock.advance(600_000);
  expect(transport.requests).toHaveLength(2);
  expect(errors).toHaveLength(2);
});

it('is silent about a namespace that is gone', async () => {
  transport.answer = () => ({ status: 404, body: {} });
  recorder.record(note);
  await clock.advance(600_000);
  expect(transport.requests).toHaveLength(1);
  expect(errors).toEqual([]);
});

it('cuts a text that is longer than the server takes', async () => {
  recorder.record({ ...note, message: 'x'.repeat(5_000) });
  await clock.advance(0);
  expect(transport.requests[0]).toHaveProperty('body.message.length', 1_024);
});

it('holds a bounded number of series', async () => {
  transport.answer = () => new Promise(() => undefined);
  const taken = Array.from({ length: 5_000 }, (_, index) => recorder.record({ ...note, message: `${index}` }));
  expect(taken.filter(Boolean)).toHaveLength(4_096);
  await clock.advance(0);
});

it.each([
  [{ code: 'E12' }, /no code/],
  [{ reason: 'not camel case' }, /no CamelCase reason/],
])('refuses %j as an error of the program', (change, message) => {
  expect(() => recorder.record({ ...note, ...change })).toThrow(message);
});
