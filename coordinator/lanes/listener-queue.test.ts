import { beforeEach, describe, expect, test } from 'vitest';
import type { Listener } from '../cloud/types.ts';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';
import { cloudError } from './fake-cloud.ts';
import { ListenerQueue } from './listener-queue.ts';

const CREATE = create('a', 80);
const CREATE_OTHER = create('b', 81);
const REMOVE: ListenerWork = { kind: 'delete', listenerIds: ['lbl-9'], ruleIds: [] };

function create(ruleId: string, port: number): ListenerWork {
  return { kind: 'create', request: { name: 'web', protocol: 'TCP', ports: [port] }, ruleIds: [ruleId] };
}

function listener(id: string): Listener {
  return { id, name: 'web', protocol: 'TCP', port: 80, healthCheck: true, forwardingRules: [] };
}

let queue: ListenerQueue;
beforeEach(() => {
  queue = new ListenerQueue();
  queue.want([CREATE, CREATE_OTHER], 0);
});

/** A call from `at` to `at + 10` that made these listeners. */
function send(work: ListenerWork, at: number, madeIds: readonly string[]): void {
  queue.begin(work);
  queue.end(work, { ok: true, value: madeIds }, at + 10);
}

describe('a change of listeners', () => {
  test('is not sent again, however often it is wanted, until a list that began after it was read', () => {
    send(CREATE, 100, ['lbl-80']);
    queue.want([CREATE, CREATE_OTHER], 120);
    expect(queue.next(120)).toEqual(CREATE_OTHER);
    queue.wasListed([listener('lbl-80')], 109);
    queue.want([CREATE], 130);
    expect(queue.next(130)).toBeUndefined();
    queue.wasListed([listener('lbl-80')], 110);
    queue.want([CREATE], 140);
    expect(queue.next(140)).toEqual(CREATE);
  });

  test('has to be wanted anew after the list that shows it', () => {
    send(CREATE, 100, ['lbl-80']);
    queue.wasListed([listener('lbl-80')], 110);
    expect(queue.next(120)).toEqual(CREATE_OTHER);
    expect(queue.isChanging).toBe(false);
  });

  test('that succeeded and is not on the list is looked for once more before it counts as not done', () => {
    send(CREATE, 100, ['lbl-80']);
    expect(queue.wasListed([], 110)).toBe(true);
    expect(queue.isChanging).toBe(true);
    expect(queue.wasListed([], 310)).toBe(false);
    expect(queue.isChanging).toBe(false);
  });

  test('that removed something is looked for in the same way', () => {
    queue.want([REMOVE], 0);
    send(REMOVE, 100, []);
    expect(queue.wasListed([listener('lbl-9')], 110)).toBe(true);
    expect(queue.wasListed([], 310)).toBe(false);
  });

  test('that was turned away by a busy load balancer is no trouble, and may come again without a read', () => {
    queue.begin(CREATE);
    expect(queue.end(CREATE, { ok: false, error: cloudError({ class: 'busy' }) }, 100)).toBe(false);
    expect(queue.next(120)).toEqual(CREATE);
    expect(queue.refusalOf('a')).toBeUndefined();
  });

  test('goes before targets once it has waited for two seconds', () => {
    queue.want([CREATE], 1_000);
    expect(queue.hasWaitedLong(2_000)).toBe(false);
    expect(queue.hasWaitedLong(2_001)).toBe(true);
    queue.begin(CREATE);
    expect(queue.hasWaitedLong(2_001)).toBe(false);
  });

  test('of a setting that CLB accepts and never shows is given up after three tries, until another is wanted', () => {
    const change = (scheduler: 'IP_HASH' | 'LEAST_CONN'): ListenerWork => ({
      kind: 'change-settings',
      change: { kind: 'listener', listenerId: 'lbl-80', settings: { scheduler } },
      ruleIds: ['a'],
    });
    const unchanged = { ...listener('lbl-80'), settings: { scheduler: 'WRR' } as const };
    for (let at = 1_000; at <= 3_000; at += 1_000) {
      queue.want([change('IP_HASH')], at);
      expect(queue.next(at)).toEqual(change('IP_HASH'));
      send(change('IP_HASH'), at, []);
      expect(queue.wasListed([unchanged], at + 20)).toBe(true);
      expect(queue.wasListed([unchanged], at + 220)).toBe(false);
    }
    queue.want([change('IP_HASH')], 4_000);
    expect(queue.next(4_000)).toBeUndefined();
    expect(queue.takeGivenUp()).toEqual(['a']);
    expect(queue.takeGivenUp()).toEqual([]);
    queue.want([change('LEAST_CONN')], 5_000);
    expect(queue.next(5_000)).toEqual(change('LEAST_CONN'));
  });
});
