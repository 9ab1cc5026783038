import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { noMetrics } from '../metrics.ts';
import { containerRuntime } from './container-runtime.ts';
import { ScriptedRuntime } from './scripted-runtime.ts';
import type { ContainerExit, RuntimeSource } from './source.ts';

let clock: VirtualClock;
let runtime: ScriptedRuntime;
let source: RuntimeSource;
let log: CollectingLogger;
let exits: ContainerExit[];
let counted: string[];
/** Containers that still have a process, as /proc shows. */
let inProc: Set<string>;
let procFails: boolean;
let stop: AbortController;
let ended: Promise<void>;

beforeEach(async () => {
  clock = new VirtualClock();
  runtime = new ScriptedRuntime();
  log = new CollectingLogger();
  [exits, counted, inProc, procFails] = [[], [], new Set(), false];
  stop = new AbortController();
  source = containerRuntime({
    client: runtime,
    choice: 'auto',
    processes: {
      processIds: async () => [7],
      hasSandbox: async () => false,
      endedAmong: async containers => containers.filter(({ containerId }) => !inProc.has(containerId)),
      runningContainers: async () => [],
      hasProcess: async id => {
        if (procFails) throw new Error('/proc shows no Pod');
        return inProc.has(id);
      },
      exits: () => expect.unreachable(),
    },
    clock,
    random: seededRandom(3),
    log,
    metrics: {
      ...noMetrics(),
      runtimeExit: kind => counted.push(kind),
      runtimeGap: () => counted.push('gap'),
      runtimeFollowed: isFollowed => counted.push(isFollowed ? 'followed' : 'apart'),
      runtimeEventMalformed: () => counted.push('malformed'),
      runtimeOutOfMemory: () => counted.push('out of memory'),
    },
  });
  runtime.addPod('pod-1', 'c1', { processId: 101 });
});
afterEach(async () => {
  stop.abort();
  await ended;
});

async function follow(): Promise<void> {
  ended = (async () => {
    for await (const exit of source.exits(stop.signal)) exits.push(exit);
  })();
  await clock.advance(1_000);
}

const told = () => exits.map(({ podUid, containerId, isLate }) => `${podUid} ${containerId}${isLate ? ' late' : ''}`);

async function happens(event: Parameters<ScriptedRuntime['tell']>[0]): Promise<void> {
  runtime.tell(event);
  await clock.advance(0);
}

describe('exits that the runtime tells', () => {
  beforeEach(follow);

  test('are passed on at once, with the Pod and the name of the container', async () => {
    await happens({ type: 'exited', containerId: 'c1' });
    expect(exits).toEqual([{ podUid: 'pod-1', containerName: 'web', containerId: 'c1' }]);
    expect(counted).toEqual(['apart', 'followed', 'container']);
  });

  test('are passed on once, although they are told twice and listed for long', async () => {
    await happens({ type: 'exited', containerId: 'c1' });
    await happens({ type: 'exited', containerId: 'c1' });
    runtime.exit('c1');
    await clock.advance(180_000);
    expect(told()).toEqual(['pod-1 c1']);
  });

  test('are none of ours when an exec or a sandbox ends', async () => {
    await happens({ type: 'execExited' });
    await happens({ type: 'exited', containerId: 'sandbox-of-pod-1' });
    expect(told()).toEqual([]);
    expect(counted.slice(2)).toEqual(['exec', 'sandbox']);
  });

  test('are known of a container that started after the list', async () => {
    runtime.addPod('pod-2', 'c2');
    await happens({ type: 'started', containerId: 'c2' });
    runtime.containersById.delete('c2');
    await happens({ type: 'exited', containerId: 'c2' });
    expect(told()).toEqual(['pod-2 c2']);
  });

  test('are found out of a container whose start and end came in one breath', async () => {
    runtime.addPod('pod-2', 'c2');
    runtime.addPod('pod-3', 'c3', { hasExited: true });
    runtime.tell({ type: 'started', containerId: 'c2' });
    runtime.tell({ type: 'exited', containerId: 'c2' });
    await happens({ type: 'exited', containerId: 'c3' });
    expect(told().sort()).toEqual(['pod-2 c2', 'pod-3 c3']);
  });

  test('that nobody can attribute are counted', async () => {
    await happens({ type: 'exited', containerId: 'of no Pod' });
    expect(told()).toEqual([]);
    expect(counted.slice(2)).toEqual(['unknown']);
  });

  test('do not wait for what has to be asked about', async () => {
    runtime.state = 'hanging';
    runtime.tell({ type: 'started', containerId: 'c9' });
    await happens({ type: 'exited', containerId: 'c1' });
    expect(told()).toEqual(['pod-1 c1']);
  });

  test('go on behind something that is no event', async () => {
    await happens({ type: 'malformed' });
    await happens({ type: 'outOfMemory', containerId: 'c1' });
    await happens({ type: 'exited', containerId: 'c1' });
    expect(counted.slice(2)).toEqual(['malformed', 'out of memory', 'container']);
  });

  test('are compared with the list when more starts come than can be asked about', async () => {
    runtime.state = 'hanging';
    for (let number = 0; number < 3_000; number += 1) runtime.tell({ type: 'started', containerId: `x${number}` });
    await clock.advance(0);
    expect(counted).toContain('gap');
    runtime.state = 'running';
    runtime.exit('c1');
    await clock.advance(15_000);
    expect(told()).toEqual(['pod-1 c1 late']);
  });
});

describe('a gap', () => {
  beforeEach(follow);

  test('is no death: who lived before and lives afterwards is not told', async () => {
    runtime.stop();
    await clock.advance(1_000);
    runtime.state = 'running';
    await clock.advance(15_000);
    expect(runtime.isFollowed).toBe(true);
    expect(told()).toEqual([]);
    expect(counted).toEqual(['apart', 'followed', 'gap', 'apart', 'followed']);
  });

  test('ends with the exits that fell into it', async () => {
    runtime.stop();
    runtime.exit('c1');
    await clock.advance(1_000);
    runtime.state = 'running';
    await clock.advance(15_000);
    expect(told()).toEqual(['pod-1 c1 late']);
    expect(counted).toContain('missed');
  });

  test('hides no container that was cleaned away within it', async () => {
    runtime.stop();
    runtime.containersById.delete('c1');
    runtime.state = 'running';
    await clock.advance(15_000);
    expect(told()).toEqual(['pod-1 c1 late']);
  });

  test('after which the runtime could not load a container that still runs buries nobody', async () => {
    inProc.add('c1');
    runtime.stop();
    runtime.containersById.delete('c1');
    runtime.state = 'running';
    await clock.advance(15_000);
    expect(told()).toEqual([]);
    inProc.clear();
    await clock.advance(60_000);
    expect(told()).toEqual(['pod-1 c1 late']);
  });

  test('buries nobody either when /proc cannot be read', async () => {
    procFails = true;
    runtime.stop();
    runtime.containersById.delete('c1');
    runtime.state = 'running';
    await clock.advance(15_000);
    expect(told()).toEqual([]);
  });

  test('is also noticed when the runtime hangs', async () => {
    runtime.state = 'hanging';
    await clock.advance(66_000);
    expect(counted.slice(2)).toEqual(['gap', 'apart']);
  });
});

describe('without events', () => {
  test('it says so once, with the remedy, and goes on trying', async () => {
    runtime.state = 'gone';
    await follow();
    await clock.advance(60_000);
    expect(log.messages('warn')).toHaveLength(1);
    expect(log.records.find(({ level }) => level === 'warn')?.fields).toMatchObject({
      remedy: expect.stringContaining('--runtime-socket'),
    });
    expect(counted).not.toContain('gap');
    runtime.state = 'running';
    await clock.advance(15_000);
    await happens({ type: 'exited', containerId: 'c1' });
    expect(told()).toEqual(['pod-1 c1']);
  });

  test.each([
    ['a CRI-O that tells none', 'cri-o'],
    ['a runtime that nobody knows', 'docker'],
  ])('%s leaves them to the Pod watch', async (_, runtimeName) => {
    runtime.runtimeName = runtimeName;
    runtime.unsupported = 'cri-o';
    await follow();
    expect(log.records.find(({ level }) => level === 'warn')?.fields).toMatchObject({
      remedy: expect.stringContaining('enable_pod_events'),
    });
  });

  test('CRI-O is asked for those of CRI', async () => {
    runtime.runtimeName = 'cri-o';
    await follow();
    expect(runtime.calls).toContain('subscribe cri-o');
  });
});

describe('processes of a Pod', () => {
  const callsFor = (name: string) => runtime.calls.filter(call => call.startsWith(name)).length;

  test('are those of its sandbox, asked for once in a while', async () => {
    runtime.sandboxesById.set('s', { id: 's', podUid: 'pod-2', isReady: true, processId: 100 });
    for (let time = 0; time < 3; time += 1) expect(await source.processIds('pod-2')).toEqual([100]);
    expect(callsFor('sandboxProcessId')).toBe(1);
    await clock.advance(5_000);
    await source.processIds('pod-2');
    expect(callsFor('sandboxProcessId')).toBe(2);
  });

  test('are those of its containers where a sandbox has none', async () => {
    expect(await source.processIds('pod-1')).toEqual([101]);
  });

  test('are asked for anew when the one that was known has ended', async () => {
    await follow();
    await source.processIds('pod-1');
    runtime.addPod('pod-1', 'c2', { processId: 102 });
    runtime.exit('c1');
    await happens({ type: 'exited', containerId: 'c1' });
    expect(await source.processIds('pod-1')).toEqual([102]);
  });

  test('are read from /proc while the runtime does not answer', async () => {
    runtime.state = 'gone';
    expect(await source.processIds('pod-1')).toEqual([7]);
  });
});

describe('that a Pod is gone', () => {
  test('is told when neither its sandbox nor a container lives', async () => {
    expect(await source.hasSandbox('pod-1')).toBe(true);
    runtime.sandboxesById.set('sandbox-of-pod-1', { id: 'sandbox-of-pod-1', podUid: 'pod-1', isReady: false });
    expect(await source.hasSandbox('pod-1')).toBe(true);
    runtime.exit('c1');
    expect(await source.hasSandbox('pod-1')).toBe(false);
  });

  test('is not told by a runtime that has gone away itself', async () => {
    await source.hasSandbox('pod-1');
    runtime.state = 'gone';
    await expect(source.hasSandbox('pod-1')).rejects.toThrow('ENOENT');
  });

  test('is told by /proc where no runtime ever answered', async () => {
    runtime.state = 'gone';
    expect(await source.hasSandbox('pod-1')).toBe(false);
  });
});

describe('which containers of some have ended', () => {
  const some = ['c1', 'c2'].map(containerId => ({ podUid: 'pod-1', containerName: 'web', containerId }));
  const ended = async () => (await source.endedAmong(some)).map(({ containerId }) => containerId);

  test('is told by one list: what has exited, and what it does not hold', async () => {
    expect(await ended()).toEqual(['c2']);
    runtime.exit('c1');
    expect(await ended()).toEqual(['c1', 'c2']);
    expect(runtime.calls).toEqual(['containers all', 'containers all']);
  });

  test('is not told by a runtime that has gone away itself', async () => {
    await ended();
    runtime.state = 'gone';
    await expect(ended()).rejects.toThrow('ENOENT');
  });

  test('is told by /proc where no runtime ever answered', async () => {
    runtime.state = 'gone';
    inProc.add('c2');
    expect(await ended()).toEqual(['c1']);
  });
});
