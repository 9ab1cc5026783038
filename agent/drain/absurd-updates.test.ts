import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Clock } from '../../common/clock.ts';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { podRecord } from '../../common/pods/pod.fixture.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { DrainUpdate } from '../../proto/gen/clbdirect/v1/report.ts';
import { noMetrics } from '../metrics.ts';
import { DEFAULT_DRAIN_LIMITS } from './drain-limits.ts';
import { DrainTracker } from './drain-tracker.ts';

const UINT32_MAX = 2 ** 32 - 1;
/** A drain looks at connections a few times a second; this is a hundred times a second. */
const TIMERS_MAX = 6_000;
const WATCHED_MS = 60_000;

const uint32 = fc.oneof(fc.constantFrom(0, 1, 80, UINT32_MAX), fc.nat(UINT32_MAX));
/** All that the wire can carry. */
const update = fc.record({
  podUid: fc.constantFrom('uid-1', 'uid-1', '', 'another'),
  state: fc.oneof(fc.nat(4), fc.constantFrom(-1, 99)),
  targetPorts: fc.array(fc.record({ port: uint32, protocol: fc.oneof(fc.nat(3), fc.constantFrom(-1, 99)) }), {
    maxLength: 4,
  }),
  virtualAddresses: fc.array(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constant('x'.repeat(10_000))), {
    maxLength: 3,
  }),
  settleMs: uint32,
});

/** Counts the timers that are set. */
function countingClock(clock: VirtualClock): { readonly clock: Clock; readonly timers: () => number } {
  let count = 0;
  const schedule: Clock['schedule'] = (delayMs, callback) => {
    count += 1;
    return clock.schedule(delayMs, callback);
  };
  return { clock: { now: () => clock.now(), wallNow: () => clock.wallNow(), schedule }, timers: () => count };
}

test('whatever a coordinator says of a drain, the call is answered within its budget, without a storm of timers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(5_000), update), { maxLength: 10 }), async updates => {
      const virtual = new VirtualClock();
      const { clock, timers } = countingClock(virtual);
      const pod = podRecord({ deletion: { seenAtMs: 0, gracePeriodSeconds: 60 } });
      const tracker = new DrainTracker({
        clock,
        log: new CollectingLogger(),
        metrics: noMetrics(),
        connections: { read: async () => [] },
        limits: DEFAULT_DRAIN_LIMITS,
        callsMax: 3,
        nodeAddresses: () => ['10.1.0.1'],
        onUnexplained: () => undefined,
        findPod: () => pod,
        request: () => {},
      });
      tracker.coordinators({ connected: 1 });
      let line: string | undefined;
      void tracker.hold({ address: '10.0.0.5' }, new AbortController().signal).then(said => {
        line = said;
      });
      for (const [afterMs, said] of updates) {
        await virtual.advance(afterMs);
        tracker.updated(said as DrainUpdate);
      }
      await virtual.advance(WATCHED_MS);
      expect(line).toEqual(expect.any(String));
      expect(timers()).toBeLessThan(TIMERS_MAX);
    }),
    { numRuns: 200 },
  );
});
