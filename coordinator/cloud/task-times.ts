/**
 * When to look at a task, learnt from how long tasks of its kind took before. CLB tells only whether a task has ended,
 * so a look that finds it ended does not tell since when: the expected time is moved down with every task that had ended
 * by then, up with every one that had not, and so stays close to where most have just ended.
 */
interface TaskTime {
  /** From the acceptance of the request to the look that most likely finds its task ended. */
  readonly expectedMs: number;
  /** How much later tasks end, as a part of `expectedMs`: a moving average. */
  readonly spread: number;
  /** Tasks in a row that had ended by `expectedMs`. */
  readonly onTime: number;
}

/** While nothing is known. */
const FIRST_LOOK_MS = 100;
const LOOK_GROWTH = 1.5;
const LOOK_GAP_MAX_MS = 1000;
const LOOK_GAP_MIN_MS = 5;
/** At this part of the expected time is an early look, so that tasks which became quicker are noticed. */
const EARLY_LOOK = 0.5;
/** Sooner than this an early look is not worth its call. */
const EARLY_LOOK_MIN_MS = 50;

const EXPECTED_MIN_MS = 5;
const SPREAD = { first: 0.1, min: 0.01, max: 0.25 };
const SPREAD_MEMORY = 0.25;
/** A task that had ended in time is taken to have had this part of the spread left. */
const ON_TIME_LATENESS = 0.5;
/** The part of the spread by which the expected time falls for each task that had ended by then. */
const EASE = 0.25;
/** After so many of them in a row it falls ever faster. */
const EASE_RUN = 4;
const EASE_MAX = 0.25;
/** What is left of the expected time after a task was given up: it may have ended long before. */
const GIVEN_UP = 0.75;

/** Milliseconds after the acceptance of the request, ascending, without end. */
function* looksMs(known: TaskTime | undefined): Generator<number> {
  if (!known) return yield* looksAfter(0, FIRST_LOOK_MS);
  const { expectedMs, spread } = known;
  const earlyMs = expectedMs * EARLY_LOOK;
  if (earlyMs >= EARLY_LOOK_MIN_MS) {
    for (let lookMs = earlyMs; lookMs < expectedMs; lookMs += LOOK_GAP_MAX_MS) yield lookMs;
  }
  yield expectedMs;
  yield* looksAfter(expectedMs, Math.max(LOOK_GAP_MIN_MS, expectedMs * spread));
}

function* looksAfter(startMs: number, firstGapMs: number): Generator<number> {
  let lookMs = startMs;
  for (let gapMs = firstGapMs; ; gapMs = Math.min(LOOK_GAP_MAX_MS, gapMs * LOOK_GROWTH)) {
    lookMs += gapMs;
    yield lookMs;
  }
}

/** After the look at `lookMs` was the first to find the task ended. */
function afterEnd(known: TaskTime | undefined, lookMs: number): TaskTime {
  if (!known) return { expectedMs: lookMs, spread: SPREAD.first, onTime: 0 };
  const { expectedMs } = known;
  const spread = nextSpread(known, lookMs);
  if (lookMs < expectedMs) return { expectedMs: Math.max(EXPECTED_MIN_MS, lookMs), spread, onTime: 0 };
  if (lookMs > expectedMs) {
    return { expectedMs: Math.min(lookMs, expectedMs * (1 + known.spread)), spread, onTime: 0 };
  }
  const onTime = known.onTime + 1;
  const haste = 2 ** Math.max(0, onTime - EASE_RUN);
  const eased = expectedMs * (1 - Math.min(EASE_MAX, known.spread * EASE * haste));
  return { expectedMs: Math.max(EXPECTED_MIN_MS, eased), spread, onTime };
}

/** After a task whose end was not seen in the time there was. */
function afterGivenUp(known: TaskTime | undefined): TaskTime | undefined {
  return known && { ...known, expectedMs: Math.max(EXPECTED_MIN_MS, known.expectedMs * GIVEN_UP), onTime: 0 };
}

function nextSpread({ expectedMs, spread }: TaskTime, lookMs: number): number {
  const lateness = lookMs > expectedMs ? (lookMs - expectedMs) / expectedMs : spread * ON_TIME_LATENESS;
  return Math.min(SPREAD.max, Math.max(SPREAD.min, spread + SPREAD_MEMORY * (lateness - spread)));
}

/** The number of fours to multiply for as many targets: a batch four times as large may take far longer. */
function sizeClass(targetCount: number): number {
  return Math.ceil(Math.log2(Math.max(1, targetCount)) / 2);
}

/** What a task poller asks and tells of the tasks of one kind. */
export interface TaskKind {
  looksMs(): Iterable<number>;
  /** The look at `lookMs` was the first to find a task ended. */
  ended(lookMs: number): void;
  givenUp(): void;
}

/** Remembers each kind of task: one entry per action and size class, at most a few dozen. */
export class TaskTimes {
  readonly #known = new Map<string, TaskTime>();

  of(action: string, targetCount: number): TaskKind {
    const kind = `${action}/${sizeClass(targetCount)}`;
    const learn = (time: TaskTime | undefined) => {
      if (time) this.#known.set(kind, time);
    };
    return {
      looksMs: () => looksMs(this.#known.get(kind)),
      ended: lookMs => learn(afterEnd(this.#known.get(kind), lookMs)),
      givenUp: () => learn(afterGivenUp(this.#known.get(kind))),
    };
  }
}
