import type { Clock } from '../common/clock.ts';

/** Something that is measured. `npm run bench` runs all of them, `--only NAME` one. */
export interface Benchmark {
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  run(context: BenchmarkContext): Promise<BenchmarkResult>;
}

export interface BenchmarkContext {
  /** The machine's own clock; what a benchmark measures in virtual time has a clock of its own. */
  readonly clock: Clock;
  /** Tells what is going on, for whoever waits. */
  readonly say: (text: string) => void;
  /** How long what depends on lasting is watched. */
  readonly minutes: number;
}

export interface BenchmarkResult {
  /** For people: tables and what they mean. */
  readonly text: string;
  /** For programs. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Each goal that was not reached, as a sentence. */
  readonly missedGoals: readonly string[];
}
