import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { textTable } from '../../tools/text-table.ts';

/** Suites that send load without a pause, or compare times: they fail when they themselves get no time. */
const NEEDS_TIME = /^(differential|install|lossless|order)/;
/** Such suites at a time, on two cores. */
const TIMED_MAX = 2;
/** Those whose clients hold sessions beside their requests, and the one that compares times: one of them at a time. */
const NEEDS_MOST_TIME = /^(differential|lossless-clients|lossless-rollouts)$/;
/** Those that take longest: when one of them begins late, all wait for its end. */
const LONGEST = [
  'hostile-namespaces',
  'hostile-lost-nodes',
  'hostile-nodes',
  'lossless-clients',
  'lossless-rollouts',
  'lossless-crashes',
  'lossless',
  'hostile-control-plane',
];
const LAST_LINE = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;

/** What a run of suites came to. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** One suite's run on a cluster of its own. */
interface SuiteRun extends Counts {
  readonly suite: string;
  readonly tookMs: number;
}

interface SideBySideOptions {
  readonly suites: readonly string[];
  /** Clusters at a time. */
  readonly jobs: number;
  /** The clusters are called after it, with a number each. */
  readonly name: string;
  readonly clock: Clock;
  readonly report: (text: string) => void;
  /** Ends the runs; each takes its cluster down. */
  readonly interrupted: AbortSignal;
}

/** Runs each suite on a cluster of its own, several at a time; what one printed is told when it has ended, and a table at the end. */
export async function runSideBySide(options: SideBySideOptions): Promise<Counts> {
  const waiting = [...options.suites];
  const running = new Set<string>();
  let begun = 0;
  const runs: SuiteRun[] = [];
  const worker = async () => {
    while (!options.interrupted.aborted) {
      const suite = nextSuite(waiting, running);
      if (suite === undefined) return;
      waiting.splice(waiting.indexOf(suite), 1);
      running.add(suite);
      begun += 1;
      options.report(`${suite} begins; ${waiting.length} wait`);
      runs.push(await runSuite(suite, `${options.name}-${begun}`, options));
      running.delete(suite);
    }
  };
  const beganAt = options.clock.now();
  await Promise.all(Array.from({ length: options.jobs }, worker));
  options.report(table(runs, options.clock.now() - beganAt));
  return total(runs);
}

/**
 * What a free worker takes up; undefined: nothing, the others see to what is left. Suites that need time take longest
 * together, so they come first; of the others, and among themselves, the longest.
 */
export function nextSuite(waiting: readonly string[], running: ReadonlySet<string>): string | undefined {
  const isTimed = (suite: string) => NEEDS_TIME.test(suite);
  const needsMostTime = (suite: string) => NEEDS_MOST_TIME.test(suite);
  const mayBegin = (suite: string) =>
    !(isTimed(suite) && [...running].filter(isTimed).length >= TIMED_MAX) &&
    !(needsMostTime(suite) && [...running].some(needsMostTime));
  const free = waiting.filter(mayBegin).toSorted((one, other) => placeOf(one) - placeOf(other));
  return free.find(isTimed) ?? free[0];
}

function placeOf(suite: string): number {
  const place = LONGEST.indexOf(suite);
  return place < 0 ? LONGEST.length : place;
}

async function runSuite(suite: string, cluster: string, options: SideBySideOptions): Promise<SuiteRun> {
  const beganAt = options.clock.now();
  const script = join(import.meta.dirname, 'run.ts');
  const argv = [...process.execArgv, script, '--suite', suite, '--name', cluster];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => child.kill('SIGTERM');
  options.interrupted.addEventListener('abort', stop);
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => printed.push(String(chunk)));
  await new Promise(resolve => child.on('close', resolve));
  options.interrupted.removeEventListener('abort', stop);
  const text = printed.join('');
  options.report(`\n── ${suite} ──\n${text}`);
  return { suite, tookMs: options.clock.now() - beganAt, ...countsOf(text) };
}

/** What the last line says; a run without one failed. */
export function countsOf(text: string): Counts {
  const lastLine = text.trimEnd().split('\n').at(-1) ?? '';
  const [, passed, failed, skipped] = LAST_LINE.exec(lastLine) ?? [];
  if (passed === undefined) return { passed: 0, failed: 1, skipped: 0 };
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped ?? 0) };
}

/** All of them together. */
export function total(runs: readonly Counts[]): Counts {
  const sum = (part: keyof Counts) => runs.reduce((all, run) => all + run[part], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

function table(runs: readonly SuiteRun[], tookMs: number): string {
  const row = (name: string, { passed, failed }: Counts, ms: number) => [
    name,
    String(passed),
    String(failed),
    minutes(ms),
  ];
  const sorted = runs.toSorted((one, other) => one.suite.localeCompare(other.suite));
  const rows = sorted.map(run => row(run.suite, run, run.tookMs));
  return `\n${textTable([['suite', 'passed', 'failed', 'took'], ...rows, row('all', total(runs), tookMs)])}`;
}

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
