import { describe, expect, test } from 'vitest';
import { containerMoments } from './container-moments.ts';

const podUid = 'e745bab2-cf44-42d8-b9d8-da4b85eb146e';
const kubeletLine = (ts: number, msg: string) =>
  JSON.stringify({ ts, msg, pod: { name: 'web', namespace: 'shop' }, podUid, containerID: 'containerd://c1' });
const containerdLine = (time: string, msg: string) =>
  `time="2026-11-22T01:54:${time}Z" level=info msg=${JSON.stringify(msg)}`;
const eventLine = (time: string, topic: string, event: object) =>
  `2026-11-22 01:54:${time} +0000 UTC k8s.io ${topic} ${JSON.stringify(event)}`;

const created = [
  containerdLine(
    '00.000000000',
    `RunPodSandbox for &PodSandboxMetadata{Name:web,Uid:${podUid},Namespace:shop,Attempt:0,} returns sandbox id "s1"`,
  ),
  containerdLine(
    '00.100000000',
    'CreateContainer within sandbox "s1" for &ContainerMetadata{Name:main,Attempt:0,} returns container id "c1"',
  ),
];

function momentsOf(logs: { kubelet?: string[]; containerd?: string[]; events?: string[] }) {
  const text = (lines: string[] = []) => lines.map(line => `${line}\n`).join('');
  const [moments, ...others] = containerMoments({
    node: 'node2',
    kubelet: text(logs.kubelet),
    containerd: text([...created, ...(logs.containerd ?? [])]),
    containerEvents: text(logs.events),
  });
  expect(others).toEqual([]);
  return moments;
}

describe('containerMoments', () => {
  test('names Pod, container and node of a container that nothing has happened to', () => {
    expect(momentsOf({})).toMatchObject({ node: 'node2', namespace: 'shop', pod: 'web', podUid, container: 'main' });
    expect(momentsOf({})).toMatchObject({ preStop: undefined, terminatedAtMs: undefined, exitedAtMs: undefined });
  });

  test('tells SIGTERM, SIGKILL and exit to a fraction of a millisecond', () => {
    const moments = momentsOf({
      containerd: [
        containerdLine('09.358387420', 'Stop container "c1" with signal terminated'),
        containerdLine('11.500000000', 'Kill container "c1"'),
      ],
      events: [
        eventLine('01.5', '/tasks/start', { container_id: 'c1', pid: 7 }),
        eventLine('11.6', '/tasks/exit', {
          container_id: 'c1',
          id: 'c1',
          exit_status: 137,
          exited_at: '2026-11-22T01:54:11.55Z',
        }),
      ],
    });
    const minuteMs = Date.parse('2026-11-22T01:54:00Z');
    expect((moments?.startedAtMs ?? 0) - minuteMs).toBeCloseTo(1500);
    expect((moments?.terminatedAtMs ?? 0) - minuteMs).toBeCloseTo(9358.387);
    expect((moments?.killedAtMs ?? 0) - minuteMs).toBeCloseTo(11500);
    expect((moments?.exitedAtMs ?? 0) - minuteMs).toBeCloseTo(11550);
    expect(moments?.exitCode).toBe(137);
  });

  test('takes the end of a process that was started later, such as a probe, for no exit', () => {
    const events = [eventLine('02.0', '/tasks/exit', { container_id: 'c1', id: 'probe', exited_at: '' })];
    expect(momentsOf({ events })?.exitedAtMs).toBeUndefined();
  });

  test('reads an exit without a code as code 0', () => {
    const event = { container_id: 'c1', id: 'c1', exited_at: '2026-11-22T01:54:02Z' };
    expect(momentsOf({ events: [eventLine('02.0', '/tasks/exit', event)] })?.exitCode).toBe(0);
  });

  test.each([
    ['an answered hook', ['PreStop hook completed'], 'completed'],
    [
      'a refused hook, of which the kubelet also says that it completed',
      ['PreStop hook failed', 'PreStop hook completed'],
      'failed',
    ],
    [
      'a hook that outlived the grace period and broke later',
      ['PreStop hook not completed in grace period', 'PreStop hook failed'],
      'cut off',
    ],
  ])('tells begin and end of %s', (_what, ends, outcome) => {
    const kubelet = [kubeletLine(1000.25, 'Running preStop hook'), ...ends.map((end, i) => kubeletLine(3000 + i, end))];
    expect(momentsOf({ kubelet })?.preStop).toEqual({ begunAtMs: 1000.25, endedAtMs: 3000, outcome });
  });

  test('keeps the first beginning of a hook that a restarted kubelet calls again', () => {
    const messages = ['Running preStop hook', 'Running preStop hook', 'PreStop hook completed'];
    const kubelet = messages.map((message, index) => kubeletLine(1000 * index, message));
    expect(momentsOf({ kubelet })?.preStop).toEqual({ begunAtMs: 0, endedAtMs: 2000, outcome: 'completed' });
  });
});
