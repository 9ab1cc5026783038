import { expect, test } from 'vitest';
import type { KubeApi } from '../../../sandbox/cluster/start-sandbox.ts';
import { ApiGate } from './api-gate.ts';

const request = { method: 'GET', path: '/api/v1/pods' } as const;

function countingApi() {
  const asked: string[] = [];
  const api: KubeApi = {
    request: user => {
      asked.push(user?.username ?? '');
      return Promise.resolve({ status: 200, body: {} });
    },
    openWatch: () => ({
      state: 'open',
      async *start() {
        yield { at: 0, type: 'ADDED', object: {} };
      },
    }),
  };
  return { api, asked };
}

test('what held callers ask is done when the gate opens, and others are not held', async () => {
  const { api, asked } = countingApi();
  const gate = new ApiGate();
  const wrapped = gate.wrap(api);
  gate.hold(user => user?.username === 'leader');
  const held = wrapped.request({ username: 'leader' }, request);
  await wrapped.request({ username: 'follower' }, request);
  expect(asked).toEqual(['follower']);
  gate.release();
  await held;
  expect(asked).toEqual(['follower', 'leader']);
});

test('a watch that is open already tells held callers nothing', async () => {
  const gate = new ApiGate();
  const opened = gate.wrap(countingApi().api).openWatch({ username: 'leader' }, request);
  if (opened.state === 'refused') throw new Error('the watch was refused');
  gate.hold(() => true);
  let told = 0;
  const watching = (async () => {
    for await (const _ of opened.start(new AbortController().signal)) told += 1;
  })();
  await new Promise<void>(resolve => {
    setImmediate(resolve);
  });
  expect(told).toBe(0);
  gate.release();
  await watching;
  expect(told).toBe(1);
});
