import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import type { PodRecord } from '../../common/pod-record.ts';
import { podRecord } from '../../common/pods/pod.fixture.ts';
import { seededRandom } from '../../common/random.ts';
import { ReportChannelError } from '../../common/report-transport.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import {
  type CoordinatorEnded,
  DrainPhase,
  type DrainRequest,
  type NodeNotice,
  NodeSignKind,
  ProbeOutcome,
  type ProbeResult,
} from '../../proto/gen/clbdirect/v1/report.ts';
import { noMetrics } from '../metrics.ts';
import { SILENCE_LIMIT_MS } from './report-session.ts';
import { ReportStreams } from './report-streams.ts';
import { type ScriptedChannel, ScriptedConnector } from './scripted-connector.ts';

const FIRST = '10.9.0.1:9443';
const SECOND = '10.9.0.2:9443';
const DRAIN: DrainRequest = { podUid: 'a', phase: DrainPhase.BEGIN, budgetMs: 1_000 };

let clock: VirtualClock;
let connector: ScriptedConnector;
let records: readonly PodRecord[] | undefined;
let isBlind: boolean;
let activeDrains: DrainRequest[];
let notice: NodeNotice;
let probeAnswer: PromiseWithResolvers<ProbeResult>;
/** Those that may act, and those that observe. */
let connected: [number, number][];
let ended: CoordinatorEnded[];
let welcomed: string[];
let log: CollectingLogger;
let streams: ReportStreams;
let stop: AbortController;
let stopped: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  connector = new ScriptedConnector();
  records = [podRecord({ uid: 'a' })];
  isBlind = false;
  activeDrains = [];
  notice = { signs: [] };
  probeAnswer = Promise.withResolvers();
  connected = [];
  [ended, welcomed] = [[], []];
  log = new CollectingLogger();
  stop = new AbortController();
  streams = new ReportStreams({
    clock,
    log,
    connector,
    random: seededRandom(1),
    metrics: noMetrics(),
    nodeName: 'node1',
    epoch: 'e1',
    agentVersion: '0.1.0',
    startedAtMs: 1,
    records: () => records,
    isBlind: () => isBlind,
    activeDrains: () => activeDrains,
    onDrainUpdate: () => {},
    notice: () => notice,
    probe: () => probeAnswer.promise,
    onCoordinators: count => connected.push([count.connected, count.observing]),
    onRound: () => {},
    ended: () => ended,
    onWelcome: ({ incarnation }) => welcomed.push(incarnation),
  });
  stopped = streams.run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await stopped;
});

const upsert = (uid: string) => streams.podsChanged({ upserts: [podRecord({ uid })], removals: [] });

/** Lets the agent talk, with a coordinator that answers its heartbeats. */
async function advanceAlive(durationMs: number, address = FIRST): Promise<void> {
  for (let passed = 0; passed < durationMs; passed += 3_000) {
    await clock.advance(Math.min(3_000, durationMs - passed));
    connector.to(address).say({ $case: 'ack', value: { sequence: 1 } });
  }
}

/** Two coordinators, of which the first leads. The name is looked up again because the first's stream broke. */
async function welcomeBoth(): Promise<ScriptedChannel[]> {
  await clock.advance(0);
  connector.addresses = [FIRST, SECOND];
  connector.to(FIRST).break();
  await clock.advance(1_000);
  const channels = [FIRST, SECOND].map(address => connector.to(address));
  for (const channel of channels) channel.welcome({ leading: channel.address === FIRST });
  await clock.advance(0);
  return channels;
}

test('every coordinator hears which other one has ended, also one that comes later', async () => {
  const channels = await welcomeBoth();
  ended = [{ podName: 'coordinator-1', podUid: 'uid-1', incarnation: 'i1' }];
  streams.coordinatorEnded();
  for (const channel of channels) expect(channel.of('coordinatorEnded')).toEqual(ended);
  expect(welcomed).toEqual(['i', 'i']);
  connector.to(SECOND).break();
  await clock.advance(1_000);
  connector.to(SECOND).welcome();
  await clock.advance(0);
  expect(connector.to(SECOND).of('coordinatorEnded')).toEqual(ended);
});

describe('a stream', () => {
  test('begins with Hello, and gives its snapshot when welcomed', async () => {
    await clock.advance(0);
    expect(connector.to(FIRST).of('hello')).toEqual([
      { nodeName: 'node1', epoch: 'e1', agentVersion: '0.1.0', startedAtMs: 1 },
    ]);
    expect(connector.to(FIRST).kinds()).toEqual(['hello']);
    connector.to(FIRST).welcome();
    await clock.advance(0);
    expect(connector.to(FIRST).of('snapshot')).toMatchObject([{ sequence: 1, consistent: true, pods: [{ uid: 'a' }] }]);
    expect(connected).toEqual([[1, 0]]);
  });

  test('says nothing of Pods before they were listed', async () => {
    records = undefined;
    await clock.advance(0);
    connector.to(FIRST).welcome();
    await clock.advance(0);
    expect(connector.to(FIRST).kinds()).toEqual(['hello', 'nodeNotice']);
    records = [podRecord({ uid: 'b' })];
    upsert('b');
    expect(connector.to(FIRST).of('snapshot')).toMatchObject([{ pods: [{ uid: 'b' }] }]);
  });

  test('tells a change at once, and what gathers while it is not writable in one delta', async () => {
    await clock.advance(0);
    connector.to(FIRST).welcome();
    await clock.advance(0);
    connector.to(FIRST).isFull = true;
    for (const uid of ['b', 'c', 'd']) upsert(uid);
    expect(connector.to(FIRST).of('delta')).toMatchObject([{ sequence: 2, upserts: [{ uid: 'b' }] }]);
    connector.to(FIRST).drain();
    await clock.advance(0);
    expect(connector.to(FIRST).of('delta')[1]).toMatchObject({ sequence: 3, upserts: [{ uid: 'c' }, { uid: 'd' }] });
  });

  test('gives a new snapshot when asked', async () => {
    await clock.advance(0);
    connector.to(FIRST).welcome();
    connector.to(FIRST).say({ $case: 'resyncRequest', value: { reason: 'gap' } });
    await clock.advance(0);
    expect(
      connector
        .to(FIRST)
        .of('snapshot')
        .map(({ sequence }) => sequence),
    ).toEqual([1, 2]);
  });

  test('beats in the interval that the Welcome names, and stays while answered', async () => {
    await clock.advance(0);
    connector.to(FIRST).welcome({ heartbeatIntervalMs: 1_000 });
    await advanceAlive(30_000);
    expect(connector.to(FIRST).of('heartbeat')).toHaveLength(30);
    expect(connector.channels).toHaveLength(1);
  });

  test('says with each beat and in each snapshot that the agent is blind, and gives a snapshot when it sees', async () => {
    await clock.advance(0);
    connector.to(FIRST).welcome();
    await advanceAlive(3_000);
    isBlind = true;
    connector.to(FIRST).say({ $case: 'resyncRequest', value: { reason: 'gap' } });
    await advanceAlive(3_000);
    isBlind = false;
    streams.seesAgain();
    await advanceAlive(3_000);
    const said = (kind: 'heartbeat' | 'snapshot') =>
      connector
        .to(FIRST)
        .of(kind)
        .map(({ blind }) => blind);
    expect([said('heartbeat'), said('snapshot')]).toEqual([
      [false, true, false],
      [false, true, false],
    ]);
  });

  test('is given up after 9 s of silence, and opened anew', async () => {
    await clock.advance(0);
    connector.to(FIRST).welcome();
    await clock.advance(SILENCE_LIMIT_MS - 1);
    expect(connector.channels[0]?.isClosed).toBe(false);
    await clock.advance(1_000);
    expect(connector.channels[0]?.isClosed).toBe(true);
    expect(connector.channels).toHaveLength(2);
    expect(connected).toEqual([
      [1, 0],
      [0, 0],
    ]);
    expect(log.messages('warn')).toEqual(['report stream failed, will reconnect']);
  });

  test('comes back after a break, with a sequence that begins anew', async () => {
    await clock.advance(0);
    connector.to(FIRST).welcome();
    await clock.advance(0);
    connector.to(FIRST).break();
    await clock.advance(1_000);
    connector.to(FIRST).welcome();
    await clock.advance(0);
    expect(connector.channels).toHaveLength(2);
    expect(connector.to(FIRST).of('snapshot')).toMatchObject([{ sequence: 1 }]);
    expect(connected).toEqual([
      [1, 0],
      [0, 0],
      [1, 0],
    ]);
  });

  test('asks a coordinator that refuses no more than every few seconds', async () => {
    connector.refusal = new ReportChannelError('unavailable', 'refused');
    await clock.advance(60_000);
    const failures = log.messages('warn').length;
    expect(failures).toBeGreaterThan(10);
    expect(failures).toBeLessThan(60);
  });
});

describe('coordinators', () => {
  test('are all connected, and one that comes later too', async () => {
    await clock.advance(0);
    connector.addresses = [FIRST, SECOND];
    connector.to(FIRST).welcome();
    await advanceAlive(12_000);
    expect(connector.channels.map(({ address }) => address)).toEqual([FIRST, SECOND]);
  });

  test('that only observe are counted apart', async () => {
    await clock.advance(0);
    connector.to(FIRST).welcome({ leading: false, observes: true });
    await clock.advance(0);
    expect(connected).toEqual([[0, 1]]);
  });

  test('are left alone when their name no longer stands for them', async () => {
    await clock.advance(0);
    connector.addresses = [SECOND];
    connector.to(FIRST).break();
    await clock.advance(8_000);
    expect(connector.channels.map(({ address }) => address)).toEqual([FIRST, SECOND]);
  });

  test('keep their streams while the name cannot be looked up', async () => {
    await clock.advance(0);
    connector.resolveError = new Error('SERVFAIL');
    connector.to(FIRST).welcome();
    await advanceAlive(30_000);
    expect(connector.to(FIRST).isClosed).toBe(false);
  });

  test('keep their streams while the name flaps, and come back with it', async () => {
    await clock.advance(0);
    connector.to(FIRST).welcome();
    connector.addresses = [];
    await advanceAlive(30_000);
    expect(connector.to(FIRST).isClosed).toBe(false);
    connector.to(FIRST).break();
    await clock.advance(30_000);
    expect(connector.channels).toHaveLength(1);
    connector.addresses = [FIRST, FIRST];
    await clock.advance(2_000);
    expect(connector.channels).toHaveLength(2);
  });

  test('have no more streams than sixteen, whatever their name stands for', async () => {
    await clock.advance(0);
    connector.to(FIRST).break();
    connector.addresses = Array.from({ length: 300 }, (_, index) => `10.9.1.${index}:9443`);
    await clock.advance(1_000);
    expect(streams.status()).toHaveLength(16);
  });

  test('are told apart by what their streams are doing', async () => {
    await welcomeBoth();
    expect(streams.status()).toEqual([
      { address: FIRST, state: 'leading', welcomedForMs: 0 },
      { address: SECOND, state: 'connected', welcomedForMs: 0 },
    ]);
    connector.refusal = new ReportChannelError('unavailable', 'refused');
    connector.to(FIRST).break();
    await clock.advance(500);
    expect(streams.status()).toEqual([
      { address: FIRST, state: 'waiting', welcomedForMs: undefined },
      { address: SECOND, state: 'connected', welcomedForMs: 500 },
    ]);
  });

  test('all hear of a drain', async () => {
    const channels = await welcomeBoth();
    streams.requestDrain(DRAIN);
    for (const channel of channels) expect(channel.of('drainRequest')).toEqual([DRAIN]);
  });

  test('hear of the drains under way when they come and when they begin to lead', async () => {
    activeDrains = [DRAIN];
    await clock.advance(0);
    connector.to(FIRST).welcome({ leading: false });
    await clock.advance(0);
    expect(connector.to(FIRST).of('drainRequest')).toEqual([DRAIN]);
    connector.to(FIRST).say({ $case: 'leadership', value: { leading: true, term: 2 } });
    await clock.advance(0);
    expect(connector.to(FIRST).of('drainRequest')).toEqual([DRAIN, DRAIN]);
    expect(connector.to(FIRST).kinds()).toEqual(['hello', 'nodeNotice', 'snapshot', 'drainRequest', 'drainRequest']);
  });
});

const CORDONED = { kind: NodeSignKind.CORDONED, detail: 'spec.unschedulable', seenAtMs: 5 };
const SHUTDOWN = { kind: NodeSignKind.SHUTDOWN, detail: 'logind', seenAtMs: 6 };

function say(signs: NodeNotice['signs']): void {
  notice = { signs };
  streams.noticeChanged();
}

describe("what announces the node's end", () => {
  test('is told right after the Welcome, also when that is nothing', async () => {
    await clock.advance(0);
    connector.to(FIRST).welcome();
    await clock.advance(0);
    expect(connector.to(FIRST).of('nodeNotice')).toEqual([{ signs: [] }]);
  });

  test('is told to every coordinator when it changes, and taken back', async () => {
    const channels = await welcomeBoth();
    say([CORDONED]);
    say([]);
    for (const channel of channels) {
      expect(channel.of('nodeNotice').slice(1)).toEqual([{ signs: [CORDONED] }, { signs: [] }]);
    }
  });

  test('waits for the Welcome, and then is the latest', async () => {
    await clock.advance(0);
    say([CORDONED]);
    say([CORDONED, SHUTDOWN]);
    expect(connector.to(FIRST).kinds()).toEqual(['hello']);
    connector.to(FIRST).welcome();
    await clock.advance(0);
    expect(connector.to(FIRST).of('nodeNotice')).toEqual([{ signs: [CORDONED, SHUTDOWN] }]);
  });
});

describe('a probe', () => {
  const value = { id: 7, address: '10.0.0.9', port: 80, timeoutMs: 500 };
  const result = { id: 7, outcome: ProbeOutcome.REFUSED, roundTripMs: 1 };

  test('is answered to the coordinator that asked', async () => {
    await welcomeBoth();
    connector.to(SECOND).say({ $case: 'probeRequest', value });
    await clock.advance(0);
    expect(connector.to(SECOND).of('probeResult')).toEqual([]);
    probeAnswer.resolve(result);
    await clock.advance(0);
    expect(connector.to(SECOND).of('probeResult')).toEqual([result]);
    expect(connector.to(FIRST).of('probeResult')).toEqual([]);
  });

  test('whose coordinator went away is answered to nobody', async () => {
    await clock.advance(0);
    connector.to(FIRST).welcome();
    connector.to(FIRST).say({ $case: 'probeRequest', value });
    await clock.advance(0);
    connector.to(FIRST).break();
    await clock.advance(1_000);
    probeAnswer.resolve(result);
    await clock.advance(0);
    expect(connector.channels.flatMap(channel => channel.of('probeResult'))).toEqual([]);
  });
});
