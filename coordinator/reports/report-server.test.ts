import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { DrainState, type DrainUpdate } from '../../proto/gen/clbdirect/v1/report.ts';
import type { ReportEvent } from './report-event.ts';
import { podRecord, ScriptedChannel } from './report-fixtures.ts';
import { ReportServer, SILENCE_MS } from './report-server.ts';
import type { SessionRefusedError } from './session-refusal.ts';

const PROBE = { address: '10.0.0.9', port: 10250, timeoutMs: 500 };
const NEVER = new AbortController().signal;

let clock: VirtualClock;
let ended: string[];
let events: ReportEvent[];
let server: ReportServer;

beforeEach(() => {
  clock = new VirtualClock();
  events = [];
  ended = [];
  server = new ReportServer({
    coordinator: 'coordinator-0',
    incarnation: 'i1',
    podUid: 'coordinator-uid',
    clock,
    logger: silentLogger,
    onEvent: event => events.push(event),
    onCoordinatorEnded: (node, { podUid, incarnation }) => ended.push(`${podUid}_${incarnation} says ${node}`),
  });
});

describe('the report server', () => {
  test('tells in the Welcome who leads, and afterwards every change of it', async () => {
    server.broadcastLeadership({ leading: false, term: 3 });
    const agent = await connect('node1', 'a1');
    server.broadcastLeadership({ leading: true, term: 4 });
    const [welcome, leadership] = agent.channel.sent;
    expect(welcome).toMatchObject({ $case: 'welcome', value: { leadership: { leading: false, term: 3 } } });
    expect(leadership).toEqual({ $case: 'leadership', value: { leading: true, term: 4 } });
  });

  test('passes on which replica an agent saw end, with the node of its token, unless it names none', async () => {
    const agent = await connect('node1', 'a1');
    const value = { podName: 'coordinator-1', podUid: 'uid-1', incarnation: 'i1' };
    agent.channel.say({ message: { $case: 'coordinatorEnded', value } });
    agent.channel.say({ message: { $case: 'coordinatorEnded', value: { ...value, podName: '' } } });
    await clock.advance(0);
    expect(ended).toEqual(['uid-1_i1 says node1']);
  });

  test('sends a drain update to both agents of the node, and to no other node', async () => {
    const [older, younger, elsewhere] = [
      await connect('node1', 'a1'),
      await connect('node1', 'a2'),
      await connect('node2', 'a3'),
    ];
    expect(server.sendDrainUpdate('node1', update('p1', DrainState.ACCEPTED))).toBe(2);
    expect(drainStates(older)).toEqual(['p1:1']);
    expect(drainStates(younger)).toEqual(['p1:1']);
    expect(drainStates(elsewhere)).toEqual([]);
    expect(server.sendDrainUpdate('node9', update('p1', DrainState.ACCEPTED))).toBe(0);
  });

  test('keeps for a stalled stream only the latest update of each Pod', async () => {
    const agent = await connect('node1', 'a1');
    agent.channel.roomy = false;
    server.sendDrainUpdate('node1', update('p0', DrainState.ACCEPTED));
    server.sendDrainUpdate('node1', update('p1', DrainState.ACCEPTED));
    server.sendDrainUpdate('node1', update('p2', DrainState.ACCEPTED));
    server.sendDrainUpdate('node1', update('p1', DrainState.WEIGHT_ZERO));
    server.sendDrainUpdate('node1', update('p1', DrainState.DEREGISTERED));
    expect(drainStates(agent)).toEqual(['p0:1']);
    agent.channel.makeRoom();
    await clock.advance(0);
    expect(drainStates(agent)).toEqual(['p0:1', 'p2:1', 'p1:3']);
  });

  test('goes on keeping what a stream that stalls again did not take', async () => {
    const agent = await connect('node1', 'a1');
    agent.channel.roomy = false;
    for (const pod of ['p0', 'p1', 'p2']) server.sendDrainUpdate('node1', update(pod, DrainState.ACCEPTED));
    for (const [round, expected] of [['p0'], ['p0', 'p1'], ['p0', 'p1', 'p2']].entries()) {
      expect([round, drainStates(agent)]).toEqual([round, expected.map(pod => `${pod}:1`)]);
      agent.channel.makeRoom();
      agent.channel.roomy = false;
      await clock.advance(0);
    }
  });

  test('counts a stream as lost after 9 s without a word, and not while heartbeats come', async () => {
    const agent = await connect('node1', 'a1');
    for (let beat = 0; beat < 5; beat += 1) {
      await clock.advance(SILENCE_MS - 1);
      agent.channel.say({ message: { $case: 'heartbeat', value: { blind: false } } });
      await clock.advance(0);
    }
    expect(server.sessions()).toHaveLength(1);
    await clock.advance(SILENCE_MS);
    expect(server.sessions()).toEqual([]);
    expect(await agent.ended).toMatchObject({ kind: 'silent' });
    expect(events.at(-1)).toMatchObject({ type: 'closed', node: 'node1' });
  });

  test('counts a stream as lost that never says Hello, without telling the core', async () => {
    const agent = open('node1', 'a1');
    await clock.advance(SILENCE_MS);
    expect(await agent.ended).toMatchObject({ kind: 'silent' });
    expect(events).toEqual([]);
  });

  test('tells the core of a broken stream', async () => {
    const agent = await connect('node1', 'a1');
    agent.channel.break();
    expect(await agent.ended).toMatchObject({ kind: 'broken' });
    expect(events.map(event => event.type)).toEqual(['opened', 'closed']);
  });

  test('refuses a third agent on a node, naming the two that are there', async () => {
    await connect('node1', 'a1');
    await connect('node1', 'a2');
    const third = open('node1', 'a3');
    expect(await third.ended).toMatchObject({ kind: 'limit', message: expect.stringMatching(/agent-a1 and agent-a2/) });
    expect(server.sessions()).toHaveLength(2);
  });

  test('lets a reconnecting agent in at once, and closes its older stream first', async () => {
    const older = await connect('node1', 'a1');
    await connect('node1', 'a2');
    await connect('node1', 'a1');
    expect(await older.ended).toMatchObject({ kind: 'superseded' });
    expect(events.map(event => [event.type, event.session])).toEqual([
      ['opened', 'a1/1'],
      ['opened', 'a2/2'],
      ['closed', 'a1/1'],
      ['opened', 'a1/3'],
    ]);
    expect(server.sendDrainUpdate('node1', update('p1', DrainState.ACCEPTED))).toBe(2);
  });

  test('leaves an agent its stream when somebody in its Pod only tries whether one opens', async () => {
    const agent = await connect('node1', 'a1');
    const trying = [open('node1', 'a1'), open('node1', 'a1')];
    await clock.advance(0);
    expect(await trying[0]?.ended).toMatchObject({ kind: 'superseded' });
    trying[1]?.channel.break();
    await clock.advance(0);
    expect(events.map(event => event.type)).toEqual(['opened']);
    expect(server.sendDrainUpdate('node1', update('p1', DrainState.ACCEPTED))).toBe(1);
    expect(drainStates(agent)).toEqual(['p1:1']);
  });

  test('asks the agent that is left for everything when the other one goes', async () => {
    const older = await connect('node1', 'a1');
    const younger = await connect('node1', 'a2');
    const elsewhere = await connect('node2', 'a3');
    older.channel.break();
    await older.ended;
    expect(resyncReasons(younger)).toEqual(['the other agent of the node has left']);
    expect(resyncReasons(elsewhere)).toEqual([]);
  });

  test('hears nothing more from a stream that it has ended', async () => {
    const older = await connect('node1', 'a1');
    await connect('node1', 'a1');
    const before = events.length;
    older.channel.say({
      message: { $case: 'delta', value: { sequence: 1, upserts: [podRecord('p1')], removals: [] } },
    });
    await clock.advance(0);
    expect(events).toHaveLength(before);
  });

  test('ends every stream when its carrier stops', async () => {
    const agent = await connect('node1', 'a1');
    agent.stop.abort();
    expect(await agent.ended).toMatchObject({ kind: 'stopping' });
  });

  test('has the newest agent of the node try a port, and tells what came of it', async () => {
    const [older, younger] = [await connect('node1', 'a1'), await connect('node1', 'a2')];
    const probing = server.probe('node1', PROBE, NEVER);
    await clock.advance(0);
    expect(probes(older)).toEqual([]);
    expect(probes(younger)).toEqual([{ id: 1, ...PROBE }]);
    younger.channel.say({ message: { $case: 'probeResult', value: { id: 7, outcome: 1, roundTripMs: 1 } } });
    younger.channel.say({ message: { $case: 'probeResult', value: { id: 1, outcome: 2, roundTripMs: 1 } } });
    expect(await probing).toBe('refused');
  });

  test('takes a probe as unanswered without an agent, with one that is silent, and when its stream ends', async () => {
    expect(await server.probe('node1', PROBE, NEVER)).toBe('unanswered');
    const agent = await connect('node1', 'a1');
    const silent = server.probe('node1', PROBE, NEVER);
    await clock.advance(1_500);
    expect(await silent).toBe('unanswered');
    const cut = server.probe('node1', PROBE, NEVER);
    agent.channel.break();
    expect(await cut).toBe('unanswered');
  });

  test('takes no more than 32 probes of a node at once, and ends one whose asker has given up', async () => {
    await connect('node1', 'a1');
    const asker = new AbortController();
    const asked = Array.from({ length: 32 }, () => server.probe('node1', PROBE, asker.signal));
    expect(await server.probe('node1', PROBE, NEVER)).toBe('declined');
    asker.abort(new Error('enough'));
    const ends = await Promise.allSettled(asked);
    expect(ends.every(end => end.status === 'rejected' && /enough/.test(String(end.reason)))).toBe(true);
    const next = server.probe('node1', PROBE, NEVER);
    await clock.advance(1_500);
    expect(await next).toBe('unanswered');
  });

  test('shows each session with what it last reported', async () => {
    const agent = await connect('node1', 'a1');
    await clock.advance(1_000);
    const pods = [podRecord('p1'), podRecord('p2')];
    agent.channel.say({ message: { $case: 'snapshot', value: { sequence: 1, pods, consistent: true, blind: false } } });
    await clock.advance(500);
    expect(server.sessions()).toEqual([
      {
        session: 'a1/1',
        node: 'node1',
        agentPodName: 'agent-a1',
        agentPodUid: 'a1',
        agentVersion: '0.1.0',
        podCount: 2,
        openedAtMs: 0,
        lastHeardAtMs: 1_000,
      },
    ]);
  });
});

interface Agent {
  readonly channel: ScriptedChannel;
  readonly stop: AbortController;
  /** What the handler rejected with. */
  readonly ended: Promise<unknown>;
}

function open(nodeName: string, podUid: string): Agent {
  const channel = new ScriptedChannel();
  const stop = new AbortController();
  const identity = { nodeName, podUid, podName: `agent-${podUid}` };
  const ended = server.handle(identity, channel, stop.signal).catch((error: SessionRefusedError) => error);
  return { channel, stop, ended };
}

async function connect(nodeName: string, podUid: string): Promise<Agent> {
  const agent = open(nodeName, podUid);
  agent.channel.say({
    message: { $case: 'hello', value: { nodeName, epoch: 'e1', agentVersion: '0.1.0', startedAtMs: 1 } },
  });
  await clock.advance(0);
  return agent;
}

function update(podUid: string, state: DrainUpdate['state']): DrainUpdate {
  return { podUid, state, targetPorts: [], virtualAddresses: [], settleMs: 2_000, paused: false };
}

function drainStates(agent: Agent): string[] {
  return agent.channel.sent.flatMap(message =>
    message.$case === 'drainUpdate' ? [`${message.value.podUid}:${message.value.state}`] : [],
  );
}

function resyncReasons(agent: Agent): string[] {
  return agent.channel.sent.flatMap(message => (message.$case === 'resyncRequest' ? [message.value.reason] : []));
}

function probes(agent: Agent): unknown[] {
  return agent.channel.sent.flatMap(message => (message.$case === 'probeRequest' ? [message.value] : []));
}
