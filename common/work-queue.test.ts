import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from './random.ts';
import { VirtualClock } from './virtual-clock.ts';
import { WorkQueue } from './work-queue.ts';
import { runWorkers, TerminalError, type WorkResult } from './workers.ts';

const signal = new AbortController().signal;
let clock: VirtualClock;
let queue: WorkQueue;

beforeEach(() => {
  clock = new VirtualClock();
  queue = newQueue(100);
});

describe('a work queue', () => {
  it('gives keys in the order they were added, each once', async () => {
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect([await queue.take(signal), await queue.take(signal), await queue.take(signal)]).toEqual(['a', 'b', 'c']);
    expect(queue.length).toBe(0);
  });

  it('gives a key that was added during its work again, but only after done', async () => {
    queue.add('a');
    await queue.take(signal);
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(await queue.take(signal)).toBe('a');
    queue.done('a');
    expect(queue.length).toBe(0);
  });

  it('gives a key to a worker that was waiting', async () => {
    const taken = queue.take(signal);
    queue.add('a');
    expect(await taken).toBe('a');
    queue.add('a');
    expect(queue.length, 'it is in work').toBe(0);
  });

  it('gives nothing to a worker whose signal aborted', async () => {
    const abort = new AbortController();
    const taken = queue.take(abort.signal);
    abort.abort(new Error('stop'));
    await expect(taken).rejects.toThrow('stop');
    queue.add('a');
    expect(queue.length).toBe(1);
  });

  it('adds after the shorter of two delays, once', async () => {
    queue.addAfter('a', 500);
    queue.addAfter('a', 200);
    queue.addAfter('a', 300);
    await clock.advance(199);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(await queue.take(signal)).toBe('a');
    queue.done('a');
    await clock.advance(1_000);
    expect(queue.length).toBe(0);
  });

  it('forgets a delay when the key is added at once', async () => {
    queue.addAfter('a', 500);
    queue.add('a');
    await queue.take(signal);
    queue.done('a');
    await clock.advance(1_000);
    expect(queue.length).toBe(0);
  });

  it('delays retries of one key ever longer, until it is forgotten', () => {
    const delays: number[] = [];
    queue = newQueue(100, { retried: (_key: string, delayMs: number) => delays.push(delayMs) }, { next: () => 1 });
    for (let count = 0; count < 5; count++) queue.retry('a');
    queue.retry('b');
    queue.forget('a');
    queue.retry('a');
    expect(delays).toEqual([10, 20, 40, 80, 80, 10, 10]);
  });

  it('refuses new keys when it is full, never known ones', async () => {
    const refused: string[] = [];
    queue = newQueue(3, { refused: (key: string) => refused.push(key) });
    queue.add('a');
    await queue.take(signal);
    queue.add('b');
    queue.addAfter('c', 100);
    expect([queue.add('d'), queue.addAfter('d', 1), queue.retry('d')]).toEqual([false, false, false]);
    expect([queue.add('a'), queue.add('b'), queue.add('c')]).toEqual([true, true, true]);
    expect(refused).toEqual(['d', 'd', 'd']);
  });

  it('tells its observer how long a key waited and was worked on', async () => {
    const seen: [string, number][] = [];
    queue = newQueue(10, {
      started: (_key: string, ms: number) => seen.push(['started', ms]),
      finished: (_key: string, ms: number) => seen.push(['finished', ms]),
    });
    queue.add('a');
    await clock.advance(30);
    await queue.take(signal);
    await clock.advance(50);
    expect(queue.longestWorkMs()).toBe(50);
    queue.done('a');
    expect(seen).toEqual([
      ['started', 30],
      ['finished', 50],
    ]);
    expect(queue.longestWorkMs()).toBe(0);
  });

  it('never has a key in work twice and follows every addition by work that began after it', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('done' as const) }),
    );
    return fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
        const subject = newQueue(100);
        const working = new Set<string>();
        const unserved = new Set<string>();
        const take = async () => {
          const key = await subject.take(signal);
          expect(working.has(key)).toBe(false);
          working.add(key);
          unserved.delete(key);
        };
        const finishOldest = () => {
          const [key] = working;
          if (key === undefined) return;
          working.delete(key);
          subject.done(key);
        };
        for (const current of steps) {
          if (current.do === 'add') {
            subject.add(current.key);
            unserved.add(current.key);
          } else if (current.do === 'done') finishOldest();
          else if (subject.length > 0) await take();
        }
        while (working.size > 0 || subject.length > 0) {
          finishOldest();
          while (subject.length > 0) await take();
        }
        expect(unserved).toEqual(new Set());
      }),
    );
  });
});

describe('workers', () => {
  it('work on as many keys at a time as they are, and one after another on the same', async () => {
    let inWork = 0;
    let most = 0;
    const finished: string[] = [];
    const stop = start(2, async key => {
      inWork += 1;
      most = Math.max(most, inWork);
      await new Promise<void>(resolve => clock.schedule(100, resolve));
      inWork -= 1;
      finished.push(key);
      return 'done';
    });
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await clock.advance(50);
    queue.add('a');
    await clock.advance(300);
    expect(finished).toEqual(['a', 'b', 'c', 'd', 'a']);
    expect(most).toBe(2);
    await stop();
  });

  it('retry a failed key with back-off, and report each failure', async () => {
    const errors: unknown[] = [];
    let attempts = 0;
    const stop = start(
      1,
      async () => {
        attempts += 1;
        if (attempts < 4) throw new Error(`failure ${attempts}`);
        return 'done';
      },
      error => errors.push(error),
    );
    queue.add('a');
    await clock.advance(1_000);
    expect(attempts).toBe(4);
    expect(errors.map(String)).toEqual(['Error: failure 1', 'Error: failure 2', 'Error: failure 3']);
    await stop();
  });

  it('leave a key alone after a terminal error', async () => {
    const errors: unknown[] = [];
    let attempts = 0;
    const stop = start(
      1,
      async () => {
        attempts += 1;
        throw new TerminalError('never');
      },
      error => errors.push(error),
    );
    queue.add('a');
    await clock.advance(10_000);
    expect([attempts, errors.length]).toEqual([1, 1]);
    await stop();
  });

  it('come back to a key after the time its work asked for', async () => {
    const times: number[] = [];
    const stop = start(1, async () => {
      times.push(clock.now());
      return times.length < 3 ? { retryAfterMs: 250 } : 'done';
    });
    queue.add('a');
    await clock.advance(10_000);
    expect(times).toEqual([0, 250, 500]);
    await stop();
  });

  it('stop when their signal aborts, after the work in flight', async () => {
    let finish: () => void = () => undefined;
    const stop = start(1, () => new Promise<WorkResult>(resolve => (finish = () => resolve('done'))));
    queue.add('a');
    queue.add('b');
    await clock.advance(0);
    let stopped = false;
    const stopping = stop().then(() => {
      stopped = true;
    });
    await clock.advance(0);
    expect(stopped).toBe(false);
    finish();
    await stopping;
    expect(queue.length, 'b is left').toBe(1);
  });
});

function newQueue(keysMax: number, observer = {}, random = seededRandom(1)): WorkQueue {
  return new WorkQueue({ clock, random, keysMax, backoff: { initialMs: 10, maximumMs: 80 }, observer });
}

/** @returns a function that stops the workers. */
function start(
  concurrency: number,
  work: (key: string) => Promise<WorkResult>,
  onError: (error: unknown) => void = () => undefined,
): () => Promise<void> {
  const abort = new AbortController();
  const running = runWorkers({ queue, concurrency, work, onError: (_key, error) => onError(error) }, abort.signal);
  return () => {
    abort.abort(new Error('stop'));
    return running;
  };
}
