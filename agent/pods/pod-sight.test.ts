import { beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { PodSight } from './pod-sight.ts';

let clock: VirtualClock;
let sight: PodSight;
let stop: AbortController;
let seen: number;

beforeEach(() => {
  clock = new VirtualClock();
  stop = new AbortController();
  seen = 0;
  sight = new PodSight({ clock, log: silentLogger, onSeeing: () => (seen += 1) }, stop.signal);
});

async function blinded(): Promise<void> {
  sight.watching(true);
  sight.watching(false);
  await clock.advance(10_000);
}

test('an agent whose watch never stood is blind after ten seconds', async () => {
  await clock.advance(9_000);
  expect(sight.isBlind).toBe(false);
  await clock.advance(1_000);
  expect(sight.isBlind).toBe(true);
});

test('a watch that is opened again sooner has blinded nobody', async () => {
  sight.watching(true);
  sight.watching(false);
  await clock.advance(9_000);
  sight.watching(true);
  await clock.advance(60_000);
  expect([sight.isBlind, seen]).toEqual([false, 0]);
});

test('tries that fail do not begin the ten seconds anew', async () => {
  sight.watching(true);
  for (let second = 0; second < 10; second++) {
    sight.watching(false);
    await clock.advance(1_000);
  }
  expect(sight.isBlind).toBe(true);
});

test('it sees again when a watch has stood for a second, in which it told what had happened', async () => {
  await blinded();
  sight.watching(true);
  await clock.advance(900);
  expect([sight.isBlind, seen]).toEqual([true, 0]);
  sight.watching(true);
  await clock.advance(100);
  expect([sight.isBlind, seen]).toEqual([false, 1]);
});

test('a watch that breaks within the second leaves it blind', async () => {
  await blinded();
  for (let second = 0; second < 20; second++) {
    sight.watching(true);
    await clock.advance(500);
    sight.watching(false);
    await clock.advance(500);
  }
  expect([sight.isBlind, seen]).toEqual([true, 0]);
});

test('one that has ended says nothing more', async () => {
  stop.abort();
  await clock.advance(60_000);
  expect(sight.isBlind).toBe(false);
});
