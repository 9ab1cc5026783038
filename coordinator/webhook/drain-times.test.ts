import { beforeEach, describe, expect, test } from 'vitest';
import { DrainTimes } from './drain-times.ts';

let times: DrainTimes;

beforeEach(() => {
  times = new DrainTimes();
});

describe('a preStop that has to sleep does so', () => {
  test('for a default time as long as nobody has measured a drain there', () => {
    drained(['lb-1'], 9_000);
    expect(times.sleepSeconds([])).toBe(15);
    expect(times.sleepSeconds(['lb-2'])).toBe(15);
  });

  test('as long as the slowest of the load balancer’s last drains, and two seconds more', () => {
    for (const heldMs of [3_000, 7_400, 4_000]) drained(['lb-1'], heldMs);
    expect(times.sleepSeconds(['lb-1'])).toBe(10);
  });

  test('as long as the slowest of the Pod’s load balancers takes', () => {
    drained(['lb-1'], 4_000);
    drained(['lb-2'], 20_000);
    expect(times.sleepSeconds(['lb-1', 'lb-2', 'lb-3'])).toBe(22);
  });

  test('for no less than five seconds', () => {
    drained(['lb-1'], 100);
    expect(times.sleepSeconds(['lb-1'])).toBe(5);
  });

  test('as 99 of the last hundred drains took, so that a single slow one is forgotten', () => {
    drained(['lb-1'], 500_000);
    for (let drain = 0; drain < 99; drain += 1) drained(['lb-1'], 6_000);
    expect(times.sleepSeconds(['lb-1'])).toBe(8);
    drained(['lb-1'], 30_000);
    drained(['lb-1'], 30_000);
    expect(times.sleepSeconds(['lb-1'])).toBe(32);
  });

  test.each(['containers-exited', 'restart', 'no-coordinator', 'no-weight-zero', 'something new'])(
    'whatever drains took that ended with %s: the load balancer was not waited for',
    reason => {
      times.ended({ reason, heldMs: 60_000 }, ['lb-1']);
      expect(times.sleepSeconds(['lb-1'])).toBe(15);
    },
  );
});

function drained(loadBalancerIds: readonly string[], heldMs: number): void {
  times.ended({ reason: 'drained', heldMs }, loadBalancerIds);
}
