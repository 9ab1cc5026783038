import { describe, expect, test } from 'vitest';
import { sleep } from '../../../common/clock.ts';
import type { Condition, Container, Pod } from '../../../common/kube/objects.ts';
import { ClusterHarness } from './cluster-harness.ts';

const HOOK = { preStop: { httpGet: { port: 19440, path: '/v1/drain' } } };

function conditionOf(pod: Pod, type: string): Condition | undefined {
  return pod.status?.conditions?.find(condition => condition.type === type);
}

/** A cluster whose hook answers after `answerMs`, or never; one hooked Pod runs. */
async function hookedPod(options: { answerMs?: number; graceSeconds?: number; container?: Partial<Container> } = {}) {
  const { answerMs, graceSeconds = 30, container } = options;
  const calls: string[] = [];
  const harness: ClusterHarness = new ClusterHarness({
    hook: async ({ host }, signal) => {
      calls.push(host);
      if (answerMs === undefined) await new Promise(() => undefined);
      else await sleep(harness.clock, answerMs, signal);
    },
    programs: {
      web: process => {
        process.listen(80);
        process.onTerm(() => process.exit(0));
      },
      stubborn: process => {
        process.listen(80);
        process.onTerm(() => undefined);
      },
    },
  });
  const web: Container = { name: 'web', image: 'web', lifecycle: HOOK, ...container };
  await harness.createPod('a', { containers: [web], terminationGracePeriodSeconds: graceSeconds });
  await harness.clock.advance(2_000);
  return { harness, calls };
}

describe('a running Pod', () => {
  test('gets an address of its node, runs and becomes ready', async () => {
    await using harness = new ClusterHarness();
    await harness.createPod('a');
    await harness.clock.advance(2_000);
    const { status } = await harness.pod('a');
    expect(status).toMatchObject({
      phase: 'Running',
      podIP: '10.244.1.2',
      podIPs: [{ ip: '10.244.1.2' }],
      hostIP: '10.0.0.1',
    });
    expect(status?.containerStatuses?.[0]).toMatchObject({ ready: true, restartCount: 0 });
    expect(status?.containerStatuses?.[0]?.containerID).toMatch(/^sandbox:/);
    expect(conditionOf(await harness.pod('a'), 'Ready')?.status).toBe('True');
  });

  test('waits for its readiness gate, and is ready soon after somebody opens it', async () => {
    await using harness = new ClusterHarness();
    await harness.createPod('a', { readinessGates: [{ conditionType: 'example.com/gate' }] });
    await harness.clock.advance(2_000);
    const before = await harness.pod('a');
    expect(conditionOf(before, 'ContainersReady')?.status).toBe('True');
    expect(conditionOf(before, 'Ready')).toMatchObject({ status: 'False', reason: 'ReadinessGatesNotReady' });
    await harness.setCondition('a', 'example.com/gate', 'True');
    await harness.clock.advance(700);
    const after = await harness.pod('a');
    expect(conditionOf(after, 'Ready')).not.toHaveProperty('reason');
    expect(conditionOf(after, 'Ready')?.status).toBe('True');
    expect(conditionOf(after, 'example.com/gate')?.status).toBe('True');
  });

  test('is ready only once its readiness probe passes, and not any more when it fails', async () => {
    await using harness = new ClusterHarness({
      programs: {
        web: process => {
          harness.clock.schedule(5_000, () => process.listen(80));
          harness.clock.schedule(15_000, () => process.unlisten(80));
        },
      },
    });
    const readinessProbe = { tcpSocket: { port: 80 }, periodSeconds: 1, failureThreshold: 2 };
    await harness.createPod('a', { containers: [{ name: 'web', image: 'web', readinessProbe }] });
    await harness.clock.advance(4_000);
    expect(conditionOf(await harness.pod('a'), 'Ready')?.status).toBe('False');
    await harness.clock.advance(4_000);
    expect(conditionOf(await harness.pod('a'), 'Ready')?.status).toBe('True');
    await harness.clock.advance(12_000);
    expect(conditionOf(await harness.pod('a'), 'Ready')?.status).toBe('False');
  });

  test('of an unknown image waits in ImagePullBackOff', async () => {
    await using harness = new ClusterHarness();
    await harness.createPod('a', { containers: [{ name: 'web', image: 'no-such-image' }] });
    await harness.clock.advance(15_000);
    const { status } = await harness.pod('a');
    expect(status?.phase).toBe('Pending');
    expect(status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ImagePullBackOff');
  });

  test('that crashes restarts in place with another container id, at once and then after a back-off', async () => {
    await using harness = new ClusterHarness();
    const { metadata } = await harness.createPod('a');
    await harness.clock.advance(2_000);
    const first = (await harness.pod('a')).status?.containerStatuses?.[0]?.containerID;
    harness.runtimes[0]?.crash(metadata.uid);
    await harness.clock.advance(2_000);
    const second = (await harness.pod('a')).status?.containerStatuses?.[0];
    expect(second).toMatchObject({ restartCount: 1, ready: true, lastState: { terminated: { exitCode: 137 } } });
    expect(second?.containerID).not.toBe(first);
    harness.runtimes[0]?.crash(metadata.uid);
    await harness.clock.advance(2_000);
    const third = (await harness.pod('a')).status?.containerStatuses?.[0];
    expect(third?.state?.waiting?.reason).toBe('CrashLoopBackOff');
    await harness.clock.advance(10_000);
    expect((await harness.pod('a')).status).toMatchObject({
      podIP: '10.244.1.2',
      containerStatuses: [{ restartCount: 2, ready: true }],
    });
  });
});

describe('a deleted Pod', () => {
  test('gets SIGTERM after its hook has answered, and is removed when its container has exited', async () => {
    const { harness, calls } = await hookedPod({ answerMs: 5_000 });
    await using _ = harness;
    await harness.deletePod('a');
    await harness.clock.advance(6_000);
    expect(calls).toEqual(['10.244.1.2']);
    expect(harness.story('a', 'preStopBegan')).toEqual([
      '0 preStopBegan web',
      '5000 preStopEnded web answered',
      '5000 TERM web',
      '5000 exited web 0',
      '5000 addressReleased',
      '5004 removed',
    ]);
    expect(await harness.pods()).toEqual([]);
  });

  test('stays ready while its hook runs', async () => {
    const { harness } = await hookedPod({ answerMs: 5_000 });
    await using _ = harness;
    await harness.deletePod('a');
    await harness.clock.advance(3_000);
    expect(conditionOf(await harness.pod('a'), 'Ready')?.status).toBe('True');
  });

  test.each([
    { name: 'a hook that hangs is cut off after the grace period', grace: 6, delete: undefined, termAt: 6_000 },
    { name: 'a forced deletion waits for the hook for 1 s', grace: 30, delete: 0, termAt: 1_000 },
    { name: 'a deletion with 1 s of grace waits for 1 s', grace: 30, delete: 1, termAt: 1_000 },
    { name: 'a deletion with its own grace period is held to it', grace: 30, delete: 10, termAt: 10_000 },
  ])('$name', async ({ grace, delete: gracePeriodSeconds, termAt }) => {
    const { harness } = await hookedPod({ graceSeconds: grace });
    await using _ = harness;
    await harness.deletePod('a', gracePeriodSeconds);
    await harness.clock.advance(20_000);
    const story = harness.story('a', 'preStopBegan');
    expect(story.slice(0, 4)).toEqual([
      '0 preStopBegan web',
      `${termAt} preStopEnded web cutOff`,
      `${termAt} TERM web`,
      `${termAt} exited web 0`,
    ]);
  });

  test('gets at least 2 s between SIGTERM and SIGKILL, however long the hook took', async () => {
    const { harness } = await hookedPod({ graceSeconds: 6, container: { image: 'stubborn' } });
    await using _ = harness;
    await harness.deletePod('a');
    await harness.clock.advance(10_000);
    expect(harness.story('a', 'preStopBegan')).toContain('6000 TERM web');
    expect(harness.story('a', 'preStopBegan')).toContain('8000 KILL web');
    expect(harness.story('a', 'preStopBegan')).toContain('8000 exited web 137');
  });

  test("has the hook's time taken off the grace period", async () => {
    const { harness } = await hookedPod({ answerMs: 4_500, graceSeconds: 10, container: { image: 'stubborn' } });
    await using _ = harness;
    await harness.deletePod('a');
    await harness.clock.advance(15_000);
    expect(harness.story('a', 'preStopBegan')).toContain('4500 TERM web');
    expect(harness.story('a', 'preStopBegan')).toContain('10500 KILL web');
  });

  test('whose hook is refused gets SIGTERM at once, and an Event tells', async () => {
    await using harness = new ClusterHarness();
    await harness.createPod('a', { containers: [{ name: 'web', image: 'web', lifecycle: HOOK }] });
    await harness.clock.advance(2_000);
    await harness.deletePod('a');
    await harness.clock.advance(1_000);
    expect(harness.story('a', 'preStopBegan').slice(0, 3)).toEqual([
      '0 preStopBegan web',
      '1 preStopEnded web failed',
      '1 TERM web',
    ]);
    const path = '/api/v1/namespaces/default/events';
    const events = await harness.perform((client, signal) => client.get<{ items: { reason: string }[] }>(path, signal));
    expect(events.items.map(({ reason }) => reason)).toContain('FailedPreStopHook');
  });

  test('on the host network has no address that a hook without host could call', async () => {
    await using harness = new ClusterHarness({ hook: async () => undefined });
    await harness.createPod('a', { hostNetwork: true, containers: [{ name: 'web', image: 'web', lifecycle: HOOK }] });
    await harness.clock.advance(2_000);
    expect((await harness.pod('a')).status?.podIP).toBe('10.0.0.1');
    await harness.deletePod('a');
    await harness.clock.advance(1_000);
    expect(harness.story('a', 'preStopBegan')).toContain('0 preStopEnded web failed');
  });

  test('a second, forced deletion does not shorten a hook that runs', async () => {
    const { harness, calls } = await hookedPod({ answerMs: 8_000 });
    await using _ = harness;
    await harness.deletePod('a');
    await harness.clock.advance(2_000);
    await harness.deletePod('a', 0);
    expect(await harness.pods()).toEqual([]);
    await harness.clock.advance(10_000);
    expect(calls).toHaveLength(1);
    expect(harness.story('a', 'preStopBegan')).toContain('8000 TERM web');
  });

  test('with two containers gives each SIGTERM after its own hook', async () => {
    await using harness = new ClusterHarness();
    const sleeping = (name: string, seconds: number) => ({
      name,
      image: 'web',
      lifecycle: { preStop: { sleep: { seconds } } },
    });
    await harness.createPod('a', {
      containers: [sleeping('short', 2), sleeping('long', 5), { name: 'plain', image: 'web' }],
    });
    await harness.clock.advance(2_000);
    await harness.deletePod('a');
    await harness.clock.advance(8_000);
    const terms = harness.story('a', 'preStopBegan').filter(line => line.includes('TERM'));
    expect(terms).toEqual(['0 TERM plain', '2000 TERM short', '5000 TERM long']);
  });

  test('with two containers tells of both exits when the last has come', async () => {
    const { harness } = await hookedPod({ answerMs: 3_000 });
    await using _ = harness;
    const bare: Container = { name: 'bare', image: 'web' };
    await harness.createPod('two', { containers: [bare, { name: 'web', image: 'web', lifecycle: HOOK }] });
    await harness.clock.advance(2_000);
    await harness.deletePod('two');
    await harness.clock.advance(2_000);
    const exited = harness.records.some(record => record.type === 'exited' && record.containerName === 'bare');
    expect(exited).toBe(true);
    const { containerStatuses } = (await harness.pod('two')).status ?? {};
    expect(containerStatuses?.map(({ state }) => Object.keys(state ?? {}))).toEqual([['running'], ['running']]);
  });

  test('whose container dies during the hook waits for the hook all the same', async () => {
    const { harness } = await hookedPod({ answerMs: 5_000 });
    await using _ = harness;
    await harness.deletePod('a');
    await harness.clock.advance(2_000);
    harness.runtimes[0]?.crash();
    await harness.clock.advance(5_000);
    const story = harness.story('a', 'preStopBegan');
    expect(story.some(line => line.includes('TERM'))).toBe(false);
    expect(story).toContain('5000 addressReleased');
  });

  test('that never started has no hook', async () => {
    const { harness, calls } = await hookedPod({ answerMs: 5_000, container: { image: 'no-such-image' } });
    await using _ = harness;
    await harness.deletePod('a');
    await harness.clock.advance(2_000);
    expect(calls).toEqual([]);
    expect(await harness.pods()).toEqual([]);
  });
});

test('a kubelet that starts anew finds its containers, and calls again a hook that was on its way', async () => {
  const { harness, calls } = await hookedPod({ answerMs: 4_000 });
  await using _ = harness;
  const address = (await harness.pod('a')).status?.podIP;
  harness.restartKubelet(1);
  await harness.clock.advance(2_000);
  const { status } = await harness.pod('a');
  expect(status?.podIP).toBe(address);
  expect(status?.containerStatuses?.[0]).toMatchObject({ ready: true, restartCount: 0 });
  await harness.deletePod('a');
  await harness.clock.advance(2_000);
  harness.restartKubelet(1);
  await harness.clock.advance(3_000);
  const wasSignalled = () => harness.records.some(({ type }) => type === 'signalled');
  expect([calls.length, wasSignalled()]).toEqual([2, false]);
  await harness.clock.advance(3_000);
  expect(wasSignalled()).toBe(true);
});

test('a liveness failure runs the full hook without a deletionTimestamp, and the Pod keeps its address', async () => {
  const { harness, calls } = await hookedPod({
    answerMs: 2_000,
    container: { livenessProbe: { tcpSocket: { port: 81 }, periodSeconds: 1, failureThreshold: 3 } },
  });
  await using _ = harness;
  await harness.clock.advance(1_000);
  expect(calls).toHaveLength(1);
  expect((await harness.pod('a')).metadata.deletionTimestamp).toBeUndefined();
  await harness.clock.advance(2_500);
  const { status } = await harness.pod('a');
  expect(status).toMatchObject({ podIP: '10.244.1.2', containerStatuses: [{ restartCount: 1 }] });
});

test('an address that was freed goes to the next Pod, and is free before its Pod is removed', async () => {
  await using harness = new ClusterHarness();
  await harness.createPod('a');
  await harness.clock.advance(2_000);
  await harness.deletePod('a');
  await harness.createPod('b');
  await harness.clock.advance(2_000);
  await harness.createPod('c');
  await harness.clock.advance(2_000);
  const addresses = (await harness.pods()).map(({ metadata, status }) => `${metadata.name} ${status?.podIP}`);
  expect(addresses).toEqual(['b 10.244.1.3', 'c 10.244.1.2']);
  const moments = harness.records.filter(({ podName }) => podName === 'a').map(({ type }) => type);
  expect(moments.slice(-2)).toEqual(['addressReleased', 'removed']);
});
