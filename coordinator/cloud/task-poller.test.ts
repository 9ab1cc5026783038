import { describe, expect, test } from 'vitest';
import { sleep } from '../../common/clock.ts';
import { type Random, seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { pollTask } from './task-poller.ts';
import { TaskTimes } from './task-times.ts';

const never = new AbortController().signal;
const TASKS = 100;
/** As many tasks teach how long the others take. */
const LESSONS = 10;

interface Outcome {
  readonly polls: number;
  /** From the end of the task to the moment at which it was noticed. */
  readonly lagMs: number;
}

/** Tasks of one kind, one after another, that take what `durationMs` says; each answer takes `roundTripMs`. */
async function noticed(durationMs: (task: number) => number, roundTripMs = 0): Promise<Outcome[]> {
  const clock = new VirtualClock();
  const kind = new TaskTimes().of('BatchModifyTargetWeight', 1);
  const outcomes: Outcome[] = [];
  for (let task = 0; task < TASKS; task += 1) {
    const endsAt = clock.now() + durationMs(task);
    let polls = 0;
    const describe = async () => {
      polls += 1;
      await sleep(clock, roundTripMs / 2, never);
      const ended = clock.now() >= endsAt;
      await sleep(clock, roundTripMs / 2, never);
      return { Status: ended ? 0 : 2 };
    };
    let done = false;
    void pollTask('task-1', { clock, kind, describe }, never).then(() => {
      done = true;
    });
    await clock.advanceUntil(() => done, 60_000);
    outcomes.push({ polls, lagMs: clock.now() - endsAt });
  }
  return outcomes;
}

/** The same with polls after 100 ms and gaps that grow by half up to a second. */
function noticedByFixedPolls(durationMs: number): Outcome {
  let [atMs, gapMs, polls] = [100, 100, 1];
  for (; atMs < durationMs; polls += 1) {
    gapMs = Math.min(1000, gapMs * 1.5);
    atMs += gapMs;
  }
  return { polls, lagMs: atMs - durationMs };
}

function mean(outcomes: readonly Outcome[]): Outcome {
  const sum = (pick: (outcome: Outcome) => number) => outcomes.reduce((total, each) => total + pick(each), 0);
  return { polls: sum(each => each.polls) / outcomes.length, lagMs: sum(each => each.lagMs) / outcomes.length };
}

function jittered(random: Random, aboutMs: number, share: number): number {
  return aboutMs * (1 - share + 2 * share * random.next());
}

/** What both ways of polling cost in the mean for tasks of about `aboutMs`. */
async function compare(aboutMs: number, share: number) {
  const random = seededRandom(7);
  const durations = Array.from({ length: TASKS }, () => jittered(random, aboutMs, share));
  const learnt = mean((await noticed(task => durations[task] ?? aboutMs)).slice(LESSONS));
  return { learnt, fixed: mean(durations.slice(LESSONS).map(noticedByFixedPolls)) };
}

describe('polls that learn', () => {
  test.each([
    [60, 1.4, 0.1],
    [400, 2.4, 0.03],
    [5000, 4.5, 0.03],
  ])('notice the end of tasks of %d ms with at most %d polls and a lag of at most %d of the time', async (...row) => {
    const [aboutMs, polls, lagShare] = row;
    const { learnt, fixed } = await compare(aboutMs, 0);
    expect(learnt.polls).toBeLessThanOrEqual(polls);
    expect(learnt.lagMs).toBeLessThanOrEqual(aboutMs * lagShare);
    expect(learnt.lagMs).toBeLessThan(fixed.lagMs);
  });

  test.each([0, 0.1, 0.3])(
    'cost fewer polls over short, middling and long tasks, and less lag in each (jitter %d)',
    async share => {
      const results = await Promise.all([60, 400, 5000].map(aboutMs => compare(aboutMs, share)));
      const polls = (pick: 'learnt' | 'fixed') => results.reduce((sum, result) => sum + result[pick].polls, 0);
      expect(polls('learnt')).toBeLessThan(polls('fixed') * 0.7);
      for (const { learnt, fixed } of results) expect(learnt.lagMs).toBeLessThan(fixed.lagMs);
    },
  );

  test('are as good when each answer takes a while: the lag is half a round trip more', async () => {
    const outcome = mean((await noticed(() => 400, 40)).slice(LESSONS));
    expect(outcome.polls).toBeLessThan(2.6);
    expect(outcome.lagMs).toBeLessThan(45);
  });

  test('notice tasks that became quicker at half of what was expected, and soon no later than they end', async () => {
    const outcomes = await noticed(task => (task < 50 ? 3000 : 60));
    for (const { lagMs } of outcomes.slice(50)) expect(lagMs).toBeLessThan(1600);
    const settled = outcomes.slice(60);
    for (const { lagMs } of settled) expect(lagMs).toBeLessThan(60);
    expect(mean(settled).lagMs).toBeLessThan(10);
  });

  test('follow tasks that become slower without asking much more', async () => {
    const outcomes = await noticed(task => (task < 50 ? 60 : 1500));
    expect(mean(outcomes.slice(50)).polls).toBeLessThan(4.5);
    expect(mean(outcomes.slice(70)).lagMs).toBeLessThan(75);
  });

  test('are not led astray by a few slow tasks among many quick ones', async () => {
    const outcomes = await noticed(task => (task % 20 === 19 ? 3000 : 60));
    const quick = outcomes.filter((_, task) => task % 20 !== 19).slice(LESSONS);
    expect(mean(quick).lagMs).toBeLessThan(30);
  });
});

describe('a task that is given up', () => {
  test('teaches to look earlier, so that the same wait is not in vain again', async () => {
    const clock = new VirtualClock();
    const kind = new TaskTimes().of('BatchModifyTargetWeight', 1);
    kind.ended(5900);
    const asked: number[] = [];
    for (let task = 0; task < 3; task += 1) {
      const startedAt = clock.now();
      const controller = new AbortController();
      clock.schedule(5900, () => controller.abort(new Error('deadline')));
      const describe = async () => {
        asked.push(clock.now() - startedAt);
        return { Status: clock.now() - startedAt >= 3500 ? 0 : 2 };
      };
      const result = pollTask('task-1', { clock, kind, describe }, controller.signal).catch(() => undefined);
      await clock.advance(6000);
      await result;
    }
    expect(asked.at(-1)).toBeLessThan(4500);
  });
});

describe('kinds of tasks', () => {
  test('a large batch does not change what is known of a small one', async () => {
    const times = new TaskTimes();
    times.of('BatchModifyTargetWeight', 1).ended(60);
    times.of('BatchModifyTargetWeight', 500).ended(5000);
    const first = (size: number) => [...take(times.of('BatchModifyTargetWeight', size).looksMs(), 1)][0];
    expect(first(1)).toBe(60);
    expect(first(400)).toBe(2500);
    expect(first(20)).toBe(100);
  });
});

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let taken = 0;
  for (const item of items) {
    if (taken++ >= count) return;
    yield item;
  }
}
