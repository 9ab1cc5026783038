import fc from 'fast-check';
import { expect, test } from 'vitest';
import { podRecord } from '../../common/pods/pod.fixture.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { ReportResponse } from '../../proto/gen/clbdirect/v1/report.ts';
import { reportStreams } from './report-streams.fixture.ts';
import { ScriptedConnector } from './scripted-connector.ts';

type Message = NonNullable<ReportResponse['message']>;

const ADDRESS = '10.9.0.1:9443';
const WATCHED_MS = 20_000;
/** One every 500 ms is the most a Welcome can get, and each of them begins a new interval. */
const HEARTBEATS_MAX = WATCHED_MS / 500;

const number = fc.oneof(
  fc.constantFrom(0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER, 0.5),
  fc.nat(10_000),
);
const text = fc.oneof(fc.string({ maxLength: 20 }), fc.constant('x'.repeat(10_000)));
const leadership = fc.record({ leading: fc.boolean(), term: number });
const drainUpdate = fc.record({
  podUid: text,
  state: number,
  targetPorts: fc.array(fc.record({ port: number, protocol: number }), { maxLength: 3 }),
  virtualAddresses: fc.array(text, { maxLength: 3 }),
  settleMs: number,
});
const welcome = fc.record({
  coordinator: text,
  incarnation: text,
  leadership: fc.option(leadership, { nil: undefined }),
  heartbeatIntervalMs: number,
  observes: fc.boolean(),
});
const probeRequest = fc.record({ id: number, address: text, port: number, timeoutMs: number });
/** Of the types of messages, with values beyond theirs. */
const message: fc.Arbitrary<unknown> = fc.oneof(
  welcome.map(value => ({ $case: 'welcome' as const, value })),
  fc.record({ sequence: number }).map(value => ({ $case: 'ack' as const, value })),
  fc.record({ reason: text }).map(value => ({ $case: 'resyncRequest' as const, value })),
  drainUpdate.map(value => ({ $case: 'drainUpdate' as const, value })),
  leadership.map(value => ({ $case: 'leadership' as const, value })),
  probeRequest.map(value => ({ $case: 'probeRequest' as const, value })),
  fc.constant(undefined),
);

test('whatever a coordinator says, its stream stays usable and is not flooded with heartbeats', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 12 }), async messages => {
      const clock = new VirtualClock();
      const connector = new ScriptedConnector();
      const records = [podRecord({ uid: 'a' })];
      const streams = reportStreams({ clock, connector, records: () => records });
      const stop = new AbortController();
      const stopped = streams.run(stop.signal);
      await clock.advance(0);
      for (const said of messages) connector.to(ADDRESS).say(said as Message);
      for (let passedMs = 0; passedMs < WATCHED_MS; passedMs += 1_000) {
        await clock.advance(1_000);
        connector.to(ADDRESS).say({ $case: 'ack', value: { sequence: 1 } });
      }
      const heartbeats = connector.channels.flatMap(channel => channel.of('heartbeat'));
      expect(heartbeats.length).toBeLessThanOrEqual(HEARTBEATS_MAX);
      connector.to(ADDRESS).welcome();
      await clock.advance(0);
      streams.podsChanged({ upserts: [podRecord({ uid: 'b' })], removals: [] });
      expect(connector.to(ADDRESS).of('delta').at(-1)).toMatchObject({ upserts: [{ uid: 'b' }] });
      stop.abort();
      await stopped;
    }),
    { numRuns: 200 },
  );
});
