import { expect, test } from 'vitest';
import type { ContainerState } from '../../common/kube/objects.ts';
import { kubePod } from '../../common/pods/pod.fixture.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { StartLag, startedAtMs } from './start-lag.ts';

function pod(state: ContainerState) {
  return kubePod({ status: { containerStatuses: [{ name: 'web', state, ready: false, restartCount: 0 }] } });
}

const RUNNING: ContainerState = { running: { startedAt: '2026-01-01T00:00:10Z' } };

test('a Pod has started when its last container has', () => {
  expect(startedAtMs(pod({ waiting: {} }))).toBeUndefined();
  expect(startedAtMs(pod({ running: {} }))).toBeUndefined();
  expect(startedAtMs(pod(RUNNING))).toBe(Date.parse('2026-01-01T00:00:10Z'));
});

function stand() {
  const clock = new VirtualClock();
  const lagsMs: number[] = [];
  const lag = new StartLag({ clock, metrics: { containersStarted: lagMs => lagsMs.push(lagMs) } });
  const tell = (started: number | undefined) => lag.watchTold({ record: { uid: 'p' }, startedAtMs: started });
  return { clock, lagsMs, tell };
}

test('the lag of a start is told once', async () => {
  const { clock, lagsMs, tell } = stand();
  tell(undefined);
  const started = clock.wallNow();
  await clock.advance(1_200);
  tell(started);
  tell(started);
  expect(lagsMs).toEqual([1_200]);
});

test('of a Pod that ran before it was first seen nothing is known', () => {
  const { clock, lagsMs, tell } = stand();
  tell(clock.wallNow());
  expect(lagsMs).toEqual([]);
});
