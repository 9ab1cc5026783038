import { beforeEach, describe, expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { ContainerState, type PodRecord, Protocol } from '../../common/pod-record.ts';
import { podRecord } from '../../common/pods/pod.fixture.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { DrainPhase, type DrainRequest, DrainState } from '../../proto/gen/clbdirect/v1/report.ts';
import type { Connection } from '../connections/source.ts';
import { type AgentMetrics, noMetrics } from '../metrics.ts';
import { DEFAULT_DRAIN_LIMITS } from './drain-limits.ts';
import { DrainTracker } from './drain-tracker.ts';

const DELETION = { seenAtMs: 0, gracePeriodSeconds: 60 };
const DELETED = podRecord({ deletion: DELETION });
const RUNNING = podRecord();
const EXITED = { name: 'web', containerId: 'c1', state: ContainerState.EXITED, restartCount: 0 };

let clock: VirtualClock;
let pods: PodRecord[];
let connections: readonly Connection[];
let requests: DrainRequest[];
let facts: string[];
let tracker: DrainTracker;

beforeEach(() => {
  clock = new VirtualClock();
  [pods, connections, requests, facts] = [[DELETED], [], [], []];
  tracker = new DrainTracker({
    clock,
    log: new CollectingLogger(),
    metrics: noteMetrics(),
    connections: { read: async () => connections },
    limits: DEFAULT_DRAIN_LIMITS,
    callsMax: 3,
    nodeAddresses: () => ['10.1.0.1'],
    findPod: callee => pods.find(({ addresses }) => 'address' in callee && addresses.includes(callee.address)),
    onUnexplained: pod => facts.push(`unexplained ${pod.uid}`),
    request: request => requests.push(request),
  });
  tracker.coordinators({ connected: 1 });
});

function noteMetrics(): AgentMetrics {
  return {
    ...noMetrics(),
    hookAnswered: reason => facts.push(`answered ${reason}`),
    drainStageEnded: stage => facts.push(`stage ${stage}`),
    connectionsWhileDraining: (kind, count) => facts.push(`${kind} ${count}`),
  };
}

/** A call of the kubelet, which may hang up. */
async function call(address = '10.0.0.5') {
  const caller = new AbortController();
  const answer: { line?: string } = {};
  void tracker.hold({ address }, caller.signal).then(line => {
    answer.line = line;
  });
  await clock.advance(0);
  return { answer, hangUp: () => caller.abort() };
}

async function say(state: DrainState): Promise<void> {
  const targetPorts = [{ port: 80, protocol: Protocol.TCP }];
  tracker.updated({
    podUid: 'uid-1',
    state,
    targetPorts,
    virtualAddresses: ['203.0.113.8'],
    settleMs: 2_000,
    paused: false,
  });
  await clock.advance(0);
}

async function change(pod: PodRecord): Promise<void> {
  pods = [pod];
  tracker.podsChanged({ upserts: [pod], removals: [] });
  await clock.advance(0);
}

const phases = () => requests.map(({ phase }) => phase);

describe('a drain', () => {
  test('goes on when its caller hangs up, and a restarted kubelet joins it', async () => {
    const first = await call();
    await clock.advance(500);
    first.hangUp();
    const second = await call();
    await say(DrainState.DEREGISTERED);
    expect(phases()).toEqual([DrainPhase.BEGIN, DrainPhase.ANSWERED]);
    expect(second.answer.line).toContain('drained after 0.5 s');
  });

  test('answers all its callers with the same line, and who comes later with what it was', async () => {
    const calls = [await call(), await call()];
    await say(DrainState.DEREGISTERED);
    const line = 'drained after 0.0 s: no load balancer sends to it';
    expect(calls.map(({ answer }) => answer.line)).toEqual([line, line]);
    const late = await call();
    await clock.advance(0);
    expect(late.answer.line).toBe(`answered before: ${line}`);
  });

  test('says weight 0 the moment it is called, even for a Pod whose deletion nobody has seen', async () => {
    pods = [RUNNING];
    await call();
    expect(requests).toMatchObject([{ podUid: 'uid-1', phase: DrainPhase.BEGIN }]);
  });

  test('that no deletion explains is told once, so that somebody asks', async () => {
    await call();
    expect(facts).toEqual([]);
    pods = [{ ...RUNNING, uid: 'uid-2' }];
    await call();
    await call();
    expect(facts).toEqual(['unexplained uid-2']);
  });

  test('of a container that restarts begins anew when the container is back and called for again', async () => {
    pods = [RUNNING];
    await call();
    await say(DrainState.WEIGHT_ZERO);
    await clock.advance(5_000);
    expect(phases()).toEqual([DrainPhase.BEGIN, DrainPhase.ANSWERED]);
    await clock.advance(60_000);
    const again = await call();
    expect(phases().at(-1)).toBe(DrainPhase.BEGIN);
    expect(again.answer.line).toBeUndefined();
  });

  test('that ended as a restart begins anew as a deletion', async () => {
    pods = [RUNNING];
    await call();
    await say(DrainState.WEIGHT_ZERO);
    await clock.advance(5_000);
    await change(DELETED);
    const deletion = await call();
    await say(DrainState.WEIGHT_ZERO);
    await clock.advance(6_000);
    expect(phases().slice(2)).toEqual([DrainPhase.BEGIN, DrainPhase.CONNECTIONS_ENDED]);
    expect(deletion.answer.line).toBeUndefined();
  });

  test('of an evicted Pod, whose object stays, is over when its containers have exited', async () => {
    pods = [RUNNING];
    const { answer } = await call();
    await clock.advance(1_000);
    await change(podRecord({ addresses: [], containers: [EXITED] }));
    expect(answer.line).toContain('containers-exited');
    expect(requests.at(-1)).toMatchObject({ phase: DrainPhase.ANSWERED, answer: { reason: 'containers-exited' } });
  });

  test('of a Pod that was deleted by force holds its call for the second that the kubelet waits', async () => {
    pods = [RUNNING];
    const { answer } = await call();
    pods = [];
    tracker.podsChanged({ upserts: [], removals: ['uid-1'] });
    await clock.advance(999);
    expect(answer.line).toBeUndefined();
    await clock.advance(1);
    expect(answer.line).toContain('no-weight-zero');
  });

  test('is told again to a coordinator that has just come', async () => {
    await call();
    await clock.advance(1_000);
    expect(tracker.activeRequests()).toEqual([{ podUid: 'uid-1', phase: DrainPhase.BEGIN, budgetMs: 29_000 }]);
  });
});

test('calls above the limit are answered at once', async () => {
  const calls = await Promise.all(Array.from({ length: 4 }, () => call()));
  expect(calls.map(({ answer }) => answer.line !== undefined)).toEqual([false, false, false, true]);
  expect(calls[3]?.answer.line).toContain('too-many-calls');
});

describe('the metrics of a drain', () => {
  const open = (remoteAddress: string): Connection => ({
    localPort: 80,
    remoteAddress,
    remotePort: 5,
    state: 'ESTABLISHED',
    inode: 1,
  });

  test('tell the open connections by who is at the other end, and none when it has ended', async () => {
    connections = [open('192.0.2.1'), open('192.0.2.2'), open('203.0.113.8'), open('10.1.0.1')];
    await call();
    await say(DrainState.WEIGHT_ZERO);
    expect(facts.slice(-3)).toEqual(['client 2', 'probe 1', 'node 1']);
    await say(DrainState.DEREGISTERED);
    expect(facts).toContain('client 0');
  });

  test('tell each stage once and the reason', async () => {
    await call();
    await say(DrainState.WEIGHT_ZERO);
    await clock.advance(3_000);
    facts = [];
    await say(DrainState.DEREGISTERED);
    expect(facts.filter(fact => !/\d$/.test(fact))).toEqual([
      'stage weight-zero',
      'stage settling',
      'stage emptying',
      'stage deregistering',
      'answered drained',
    ]);
  });
});
