import { describe, expect, test } from 'vitest';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';
import { cloudError } from './fake-cloud.ts';
import {
  afterListenerWork,
  keepWanted,
  type ListenerTroubles,
  nextListenerTryAt,
  nextListenerWork,
  refusalOf,
} from './listener-turns.ts';

const ERROR = cloudError({ class: 'terminal' });
const NONE: ListenerTroubles = new Map();

function create(...ports: number[]): ListenerWork {
  return {
    kind: 'create',
    request: { name: 'web', protocol: 'TCP', ports },
    ruleIds: ports.map(port => `rule ${port}`),
  };
}

const REMOVE: ListenerWork = { kind: 'delete', listenerIds: ['lbl-1', 'lbl-2'], ruleIds: [] };

function ports(work: ListenerWork | undefined): readonly number[] | undefined {
  return work?.kind === 'create' ? work.request.ports : undefined;
}

describe('changes of listeners', () => {
  test('are done in one call as long as none of them failed', () => {
    expect(nextListenerWork(NONE, [create(80, 81), REMOVE], 0)).toEqual(create(80, 81));
  });

  test('that failed together are tried in halves, at once', () => {
    const wanted = create(80, 81, 82, 83);
    const troubles = afterListenerWork(NONE, wanted, { error: ERROR, now: 100 });
    expect(nextListenerWork(troubles, [wanted], 100)).toEqual(create(80, 81));
    const one = afterListenerWork(troubles, create(80, 81), { error: undefined, now: 200 });
    expect(nextListenerWork(one, [create(82, 83)], 200)).toEqual(create(82, 83));
    const alone = afterListenerWork(one, create(82, 83), { error: ERROR, now: 300 });
    expect(nextListenerWork(alone, [create(82, 83)], 300)).toEqual(create(82));
  });

  test.each([1, 2, 49])('of 49, number %i of which is bad, are all done but that one after few calls', bad => {
    const all = Array.from({ length: 49 }, (_, index) => index + 1);
    const done = new Set<number>();
    let troubles = NONE;
    let calls = 0;
    for (;;) {
      const work = nextListenerWork(troubles, [create(...all.filter(port => !done.has(port)))], 0);
      if (!work || calls > 49) break;
      calls += 1;
      const asked = ports(work) ?? [];
      const error = asked.includes(bad) ? ERROR : undefined;
      if (!error) for (const port of asked) done.add(port);
      troubles = afterListenerWork(troubles, work, { error, now: 0 });
    }
    expect(done.size).toBe(48);
    expect(calls).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(49)) + 1);
  });

  test('that failed alone wait twice as long each time, half a minute at most', () => {
    let troubles = NONE;
    const waits = Array.from({ length: 8 }, () => {
      troubles = afterListenerWork(troubles, create(81), { error: ERROR, now: 0 });
      return nextListenerTryAt(troubles, [create(81)]);
    });
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(nextListenerWork(troubles, [create(81)], 29_999)).toBeUndefined();
    expect(nextListenerWork(troubles, [create(81)], 30_000)).toEqual(create(81));
  });

  test('that wait hold up no others: neither new ports nor another Service nor a removal', () => {
    const troubles = afterListenerWork(NONE, create(81), { error: ERROR, now: 0 });
    expect(ports(nextListenerWork(troubles, [create(81, 82)], 1))).toEqual([82]);
    expect(nextListenerWork(troubles, [create(81), REMOVE], 1)).toEqual(REMOVE);
  });

  test('that are no longer wanted are forgotten', () => {
    const troubles = afterListenerWork(NONE, create(81), { error: ERROR, now: 0 });
    expect(keepWanted(troubles, [create(80)]).size).toBe(0);
    expect(keepWanted(troubles, [create(80, 81)]).size).toBe(1);
  });
});

describe('CLB refuses a rule', () => {
  const quota = cloudError({ class: 'terminal', code: 'CD2014' });

  test('only when its listener failed alone: in company it may be the other’s fault', () => {
    const together = afterListenerWork(NONE, create(80, 81), { error: quota, now: 0 });
    expect(refusalOf(together, 'rule 80')).toBeUndefined();
    expect(refusalOf(afterListenerWork(together, create(80), { error: quota, now: 0 }), 'rule 80')).toBe('CD2014');
  });

  test('whose port is taken only after several tries: our own listener may have it and not show yet (L3)', () => {
    const taken = cloudError({ class: 'terminal', code: 'CD2017' });
    const refusals: (string | undefined)[] = [];
    let troubles = NONE;
    for (let tries = 0; tries < 5; tries += 1) {
      troubles = afterListenerWork(troubles, create(80), { error: taken, now: tries * 60_000 });
      refusals.push(refusalOf(troubles, 'rule 80'));
    }
    expect(refusals).toEqual([undefined, undefined, undefined, undefined, 'CD2017']);
  });

  test('not when the key, the network or the cloud itself is in trouble', () => {
    for (const code of ['CD2028', 'CD2040', 'CD2030'] as const) {
      const troubles = afterListenerWork(NONE, create(80), { error: cloudError({ code }), now: 0 });
      expect(refusalOf(troubles, 'rule 80')).toBeUndefined();
    }
  });
});
