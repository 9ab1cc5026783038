import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { ProblemBoard } from './problem-board.ts';

const SERVICE = { namespace: 'default', name: 'web', uid: 'u1' };
const TAKEN = { code: 'CD1006', reason: 'PortTaken', message: 'port 80 is taken' };
const GONE = { code: 'CD1004', reason: 'LoadBalancerNotFound', message: 'lb-1 is gone' };

let clock: VirtualClock;
let told: string[];
let board: ProblemBoard;
beforeEach(() => {
  clock = new VirtualClock();
  told = [];
  board = new ProblemBoard({ clock, tell: ({ name }, { code }) => told.push(`${name} ${code}`) });
});

describe('a problem that lasts', () => {
  test('is told when it arises, and not again because something else was looked at', () => {
    board.put(SERVICE, 'ports', [TAKEN]);
    board.put(SERVICE, 'ports', [TAKEN, GONE]);
    board.put(SERVICE, 'ports', [TAKEN]);
    expect(told).toEqual(['web CD1006', 'web CD1004']);
  });

  test('is told again every minute until its source takes it back', async () => {
    board.put(SERVICE, 'ports', [TAKEN]);
    await clock.advance(59_999);
    board.remind();
    expect(told).toHaveLength(1);
    await clock.advance(1);
    board.remind();
    board.remind();
    expect(told).toHaveLength(2);
    board.put(SERVICE, 'ports', []);
    await clock.advance(60_000);
    board.remind();
    expect(told).toHaveLength(2);
  });

  test('is not taken back by another source, and goes with its Service', async () => {
    board.put(SERVICE, 'ports', [TAKEN]);
    board.put(SERVICE, 'claim', []);
    board.forget(SERVICE.uid);
    await clock.advance(60_000);
    board.remind();
    expect(told).toHaveLength(1);
  });
});

test('something that goes wrong again and again is told once a minute', async () => {
  board.note(SERVICE, GONE);
  board.note(SERVICE, GONE);
  board.note(SERVICE, TAKEN);
  expect(told).toEqual(['web CD1004', 'web CD1006']);
  await clock.advance(60_000);
  board.note(SERVICE, GONE);
  expect(told).toHaveLength(3);
});
