import { expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { DRAIN_SECONDS_ANNOTATION } from '../../common/names.ts';
import { Protocol } from '../../common/pod-record.ts';
import { podRecord } from '../../common/pods/pod.fixture.ts';
import { DrainPhase, DrainState } from '../../proto/gen/clbdirect/v1/report.ts';
import { type HeldConnections, holdConnections, missingForNamespace } from '../connections/held-connections-process.ts';
import type { IdleTimes } from '../connections/idle-times.ts';
import { procConnections } from '../connections/proc-connections.ts';
import { ssIdleTimes } from '../connections/ss-process.ts';
import { noMetrics } from '../metrics.ts';
import { DEFAULT_DRAIN_LIMITS } from './drain-limits.ts';
import { DrainTracker } from './drain-tracker.ts';

/** Real time, so everything is a tenth of what it is on a node. */
const LIMITS = { ...DEFAULT_DRAIN_LIMITS, readingIntervalMs: 20, idleMs: 500 };
const SETTLE_MS = 200;
const BUDGET_SECONDS = 3;
const ADDRESS = '10.77.0.5';

/** Drains the Pod whose connections are held, with a coordinator that sets weight 0 and deregisters at once. */
async function drain(
  held: HeldConnections,
  idleTimes: IdleTimes | undefined,
): Promise<{ line: string; heldMs: number }> {
  const clock = systemClock();
  const log = new CollectingLogger();
  const pod = podRecord({
    addresses: [held.address],
    deletion: { seenAtMs: 0, gracePeriodSeconds: 60 },
    annotations: { [DRAIN_SECONDS_ANNOTATION]: String(BUDGET_SECONDS) },
  });
  const tracker: DrainTracker = new DrainTracker({
    clock,
    log,
    metrics: noMetrics(),
    connections: procConnections({
      procRoot: '/proc',
      clock,
      runtime: { processIds: async () => [held.processId] },
      idleTimes,
      onIdleTimesFailed: error => log.warn('unreadable', { error }),
    }),
    limits: LIMITS,
    callsMax: 1,
    nodeAddresses: () => [],
    onUnexplained: () => undefined,
    findPod: () => pod,
    request: ({ phase }) => {
      if (phase !== DrainPhase.ANSWERED) queueMicrotask(() => obey(phase));
    },
  });
  const obey = (phase: DrainPhase) =>
    tracker.updated({
      podUid: pod.uid,
      state: phase === DrainPhase.BEGIN ? DrainState.WEIGHT_ZERO : DrainState.DEREGISTERED,
      targetPorts: [{ port: held.port, protocol: Protocol.TCP }],
      virtualAddresses: [],
      settleMs: SETTLE_MS,
      paused: false,
    });
  tracker.coordinators({ connected: 1 });
  const calledAt = clock.now();
  const line = await tracker.hold({ address: held.address }, new AbortController().signal);
  return { line, heldMs: clock.now() - calledAt };
}

test('idle connections of keep-alive clients hold a drain for its whole budget only where idle times are not read', async ({
  skip,
}) => {
  const missing = missingForNamespace();
  if (missing) return skip(missing);
  await using held = await holdConnections({ address: ADDRESS });
  await held.open('answered', 20);
  const [without, withIdleTimes] = await Promise.all([
    drain(held, undefined),
    drain(held, ssIdleTimes({ procRoot: '/proc' })),
  ]);
  expect(without.line).toContain('connections-left after 3.');
  expect(withIdleTimes.line).toContain('idle-connections');
  expect(withIdleTimes.heldMs).toBeLessThan(without.heldMs / 1.5);
});

test('a request in flight holds it all the same', async ({ skip }) => {
  const missing = missingForNamespace();
  if (missing) return skip(missing);
  await using held = await holdConnections({ address: ADDRESS });
  await held.open('answered', 20);
  await held.open('asking', 1);
  expect((await drain(held, ssIdleTimes({ procRoot: '/proc' }))).line).toContain('connections-left after 3.');
});

test('connections that end let it end, with the load balancer told to deregister', async () => {
  await using held = await holdConnections();
  await held.open('answered', 5);
  const drained = drain(held, undefined);
  await held.closeAll();
  expect((await drained).line).toMatch(/^drained after \d\.\d s: weight 0 after 0\.0 s.*deregistered$/);
});
