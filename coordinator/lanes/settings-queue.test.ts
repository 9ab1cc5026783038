import { expect, test } from 'vitest';
import type { LoadBalancerChange } from '../cloud/load-balancer-settings.ts';
import { cloudError } from './fake-cloud.ts';
import { SettingsQueue } from './settings-queue.ts';

const GROUPS: LoadBalancerChange = { kind: 'security-groups', ids: ['sg-1'] };
const OTHER_GROUPS: LoadBalancerChange = { kind: 'security-groups', ids: ['sg-2'] };
const ATTRIBUTES: LoadBalancerChange = { kind: 'attributes', settings: { passToTarget: true } };
const SECOND_MS = 1_000;

function wanting(...changes: LoadBalancerChange[]): SettingsQueue {
  const queue = new SettingsQueue();
  queue.want(changes, 0);
  return queue;
}

test('a change that was done is not sent again before a read can show it', () => {
  const queue = wanting(GROUPS);
  expect(queue.next(0)).toEqual(GROUPS);
  queue.end(GROUPS, undefined, 0);
  queue.want([GROUPS], 5 * SECOND_MS);
  expect(queue.next(5 * SECOND_MS)).toBeUndefined();
  expect(queue.nextTryAt(5 * SECOND_MS)).toBe(30 * SECOND_MS);
  expect(queue.next(30 * SECOND_MS)).toEqual(GROUPS);
});

test('a change that fails is tried ever more rarely, and holds up no other', () => {
  const queue = wanting(GROUPS, ATTRIBUTES);
  queue.end(GROUPS, cloudError({}), 0);
  expect(queue.next(0)).toEqual(ATTRIBUTES);
  queue.end(GROUPS, cloudError({}), SECOND_MS);
  queue.want([GROUPS], SECOND_MS);
  expect(queue.next(2 * SECOND_MS)).toBeUndefined();
  expect(queue.nextTryAt(2 * SECOND_MS)).toBe(3 * SECOND_MS);
});

test('another wish of the same kind is sent at once', () => {
  const queue = wanting(GROUPS);
  queue.end(GROUPS, cloudError({}), 0);
  queue.want([OTHER_GROUPS], 1);
  expect(queue.next(1)).toEqual(OTHER_GROUPS);
});

test('a change that waits for long goes before targets, but not while it may not be sent', () => {
  const queue = wanting(GROUPS);
  expect(queue.hasWaitedLong(SECOND_MS)).toBe(false);
  expect(queue.hasWaitedLong(3 * SECOND_MS)).toBe(true);
  queue.end(GROUPS, undefined, 3 * SECOND_MS);
  queue.want([GROUPS], 3 * SECOND_MS);
  expect(queue.hasWaitedLong(6 * SECOND_MS)).toBe(false);
});
