import { afterEach, beforeEach, expect, it } from 'vitest';
import { sleep } from '../../common/clock.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { TerminalError } from '../../common/workers.ts';
import { LatestWork } from './latest-work.ts';

let clock: VirtualClock;
let done: string[];
let errors: string[];
let handle: (value: string, signal: AbortSignal) => Promise<void>;
let work: LatestWork<string>;
let abort: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  done = [];
  errors = [];
  handle = async (value, signal) => {
    await sleep(clock, 100, signal);
    done.push(value);
  };
  work = new LatestWork({
    clock,
    random: seededRandom(1),
    what: 'work on',
    keysMax: 2,
    concurrency: 2,
    backoff: { initialMs: 50, maximumMs: 50 },
    timeoutMs: 1_000,
    work: (value, signal) => handle(value, signal),
    onError: (value, error) => errors.push(`${value}: ${(error as Error).message}`),
  });
  abort = new AbortController();
  running = work.run(abort.signal);
});

afterEach(async () => {
  abort.abort(new Error('test over'));
  await clock.advance(0);
  await running;
});

it('skips values that were replaced before their turn', async () => {
  work.submit('a', 'one');
  work.submit('a', 'two');
  await clock.advance(1_000);
  expect(done).toEqual(['two']);
  expect(work.pending('a')).toBeUndefined();
});

it('works again on a value submitted during the work, even if it is equal', async () => {
  work.submit('a', 'one');
  await clock.advance(50);
  work.submit('a', 'one');
  expect(work.pending('a')).toBe('one');
  await clock.advance(1_000);
  expect(done).toEqual(['one', 'one']);
});

it('works on a delayed value when its time has come', async () => {
  work.submit('a', 'one');
  await clock.advance(50);
  work.submit('a', 'two', 500);
  await clock.advance(400);
  expect(done).toEqual(['one']);
  await clock.advance(1_000);
  expect(done).toEqual(['one', 'two']);
});

it('retries a failed value, and its replacement instead once there is one', async () => {
  handle = async value => {
    if (value === 'bad') throw new Error('failed');
    done.push(value);
  };
  work.submit('a', 'bad');
  await clock.advance(200);
  expect(errors.length).toBeGreaterThan(1);
  work.submit('a', 'good');
  await clock.advance(200);
  expect(done).toEqual(['good']);
});

it('drops a value that failed for good', async () => {
  handle = async () => {
    throw new TerminalError('never');
  };
  work.submit('a', 'one');
  await clock.advance(1_000);
  expect(errors).toEqual(['one: never']);
  expect(work.pending('a')).toBeUndefined();
});

it('ends work that hangs, naming it', async () => {
  handle = (_value, signal) => sleep(clock, 1_000_000, signal);
  work.submit('a', 'one');
  await clock.advance(1_010);
  expect(errors).toEqual(['one: work on a did not finish within 1000 ms']);
});

it('takes no more keys than it has room for', () => {
  expect([work.submit('a', '1'), work.submit('b', '1'), work.submit('c', '1')]).toEqual([true, true, false]);
  expect(work.pending('c')).toBeUndefined();
});
