import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../../../common/clock.ts';
import { FAMILIES, type Family, isFamily } from './kinds.ts';
import { runSeed, type SeedResult } from './seed-result.ts';
import { Summary } from './summary.ts';

export const TURMOIL_USAGE = `Everything at once: npm run simulate -- --seeds NUMBER [options]

Users, clients, strangers, and every fault there is; then it ends, and the cloud must come to what is asked for.

  --seeds NUMBER    how many seeds (with --hours: no limit)
  --seed NUMBER     first seed (1)
  --hours NUMBER    no new seed begins after so long
  --minutes NUMBER  of virtual time in which things happen (7; with what comes before and after, a seed takes about 10)
  --jobs NUMBER     processes side by side (2)
  --family NAME     what can go wrong: turmoil (everything), bearable (what excuses no lost request), cloud, network, processes,
                    machines, lies
  --only 3,7,…      of what the seed holds in store, these happen and nothing else
  --shrink NUMBER   how often a seed that fails is played again with less, to find what is needed for it (60)
  --tail NUMBER     how many last lines of its event log to print for a seed that failed (0)
`;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const BREACHES_SHOWN = 6;
const WIDTH = 220;
const PROGRESS_EVERY = 50;

interface TurmoilCommand {
  readonly seed: number;
  readonly seeds: number;
  readonly hours: number;
  readonly minutes: number;
  readonly jobs: number;
  readonly shrink: number;
  readonly tail: number;
  readonly family: Family;
  readonly only: ReadonlySet<number> | undefined;
  /** Which of the processes this is; undefined: the one that starts them. */
  readonly worker: number | undefined;
  /** Of a process that follows one that died: the seed over which that happened. */
  readonly after: number;
}

/** Where the command says what it found, and how far it is. */
interface Output {
  tell(text: string): void;
  progress(text: string): void;
}

/** @returns whether the command line asks for turmoil */
export function asksForTurmoil(argv: readonly string[]): boolean {
  return argv.some(argument => argument === '--seeds' || argument === '--only');
}

/** @throws Error naming what is wrong with the command line. @returns the exit code */
export async function turmoilCommand(argv: readonly string[], output: Output): Promise<number> {
  const command = readCommand(argv);
  if (command.worker === undefined) return lead(command, argv, output);
  await work(command, command.worker, result => output.tell(JSON.stringify(result)));
  return 0;
}

function readCommand(argv: readonly string[]): TurmoilCommand {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string' },
      hours: { type: 'string', default: '0' },
      minutes: { type: 'string', default: '7' },
      jobs: { type: 'string', default: '2' },
      shrink: { type: 'string', default: '60' },
      tail: { type: 'string', default: '0' },
      family: { type: 'string', default: 'turmoil' },
      only: { type: 'string' },
      worker: { type: 'string' },
      after: { type: 'string', default: '-1' },
    },
  });
  const hours = numberOf('hours', values.hours);
  const seeds = values.seeds ?? (hours > 0 ? String(Number.MAX_SAFE_INTEGER) : '1');
  return {
    hours,
    seed: numberOf('seed', values.seed),
    seeds: numberOf('seeds', seeds),
    minutes: numberOf('minutes', values.minutes),
    jobs: Math.max(1, numberOf('jobs', values.jobs)),
    shrink: numberOf('shrink', values.shrink),
    tail: numberOf('tail', values.tail),
    family: familyOf(values.family),
    only: values.only === undefined ? undefined : new Set(values.only.split(',').map(each => numberOf('only', each))),
    worker: values.worker === undefined ? undefined : numberOf('worker', values.worker),
    after: Number(values.after),
  };
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} must be a number, not "${text}"`);
}

function familyOf(name: string): Family {
  if (isFamily(name)) return name;
  throw new Error(`--family must be one of ${Object.keys(FAMILIES).join(', ')}, not "${name}"`);
}

/** Plays the seeds of one process. */
async function work(command: TurmoilCommand, worker: number, tell: (result: SeedResult) => void): Promise<void> {
  const clock = systemClock();
  const startedAt = clock.now();
  const { seed, seeds, hours, minutes, jobs, only, family } = command;
  for (let next = seed + worker; next < seed + seeds; next += jobs) {
    if (hours > 0 && clock.now() - startedAt > hours * HOUR_MS) return;
    if (next <= command.after) continue;
    const options = { seed: next, durationMs: minutes * MINUTE_MS, only, family };
    tell(await runSeed(options, only ? 0 : command.shrink));
  }
}

/** Starts the processes and puts together what they tell. */
async function lead(command: TurmoilCommand, argv: readonly string[], output: Output): Promise<number> {
  const clock = systemClock();
  const startedAt = clock.now();
  const summary = new Summary();
  const take = (result: SeedResult) => {
    summary.add(result);
    if (result.report.breaches.length > 0 || command.seeds === 1) output.tell(describe(result, command));
    if (summary.seeds % PROGRESS_EVERY === 0) {
      output.progress(`${summary.seeds} seeds, ${((clock.now() - startedAt) / MINUTE_MS).toFixed(1)} min`);
    }
  };
  const jobs = Math.min(command.jobs, command.seeds);
  const died = (seed: number) => {
    summary.addDeath(seed);
    output.tell(`seed ${seed}: the process that played it died; --seeds 1 --seed ${seed} shows of what`);
  };
  const shared = { ...command, jobs, argv: [...argv, '--jobs', `${jobs}`], take, died };
  await Promise.all(Array.from({ length: jobs }, (_, worker) => runWorkers(worker, shared)));
  output.tell(summary.text(clock.now() - startedAt));
  return summary.isClean ? 0 : 1;
}

interface WorkerOptions extends Pick<TurmoilCommand, 'seed' | 'seeds' | 'jobs'> {
  readonly argv: readonly string[];
  readonly take: (result: SeedResult) => void;
  /** Told of the seed over which a process ended otherwise than when it was done. */
  readonly died: (seed: number) => void;
}

/** One process, and where it dies over a seed, another one for the seeds after it. */
async function runWorkers(worker: number, { seed, seeds, jobs, argv, take, died }: WorkerOptions): Promise<void> {
  let last = seed + worker - jobs;
  while (last + jobs < seed + seeds) {
    const code = await startWorker([...argv, `--after=${last}`], worker, result => {
      last = result.report.seed;
      take(result);
    });
    if (code === 0) return;
    last += jobs;
    died(last);
  }
}

/** @returns its exit code */
function startWorker(argv: readonly string[], worker: number, take: (result: SeedResult) => void): Promise<number> {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const child = spawn(process.execPath, ['--max-semi-space-size=32', main, ...argv, '--worker', String(worker)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout }).on('line', line => take(JSON.parse(line) as SeedResult));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => resolve(code ?? 1));
  });
}

function describe({ report, needed }: SeedResult, { tail, minutes, family }: TurmoilCommand): string {
  const { seed, breaches, told, digest, settledMs, sent, lost, excused } = report;
  const settled = settledMs === undefined ? 'never settled' : `settled after ${settledMs / 1_000} s`;
  const isNeeded = (line: string) => !needed || needed.includes(Number(/ s, (\d+): /.exec(line)?.[1]));
  const world = `--seed ${seed} --minutes ${minutes}${family === 'turmoil' ? '' : ` --family ${family}`}`;
  const replay = `npm run simulate -- ${world} --only ${needed?.join(',')}`;
  return [
    `seed ${seed}: ${breaches.length} breaches, ${settled}, ${sent} requests, ${lost} lost, ${excused} excused  ${digest}`,
    ...breaches.slice(0, BREACHES_SHOWN).map(({ law, message }) => `  law ${law} broken: ${message}`),
    ...told.filter(isNeeded).map(line => `    at ${line.slice(0, WIDTH)}`),
    ...(needed ? [`  again: ${replay}`] : []),
    ...(tail > 0 ? report.tail.slice(-tail) : []),
  ].join('\n');
}
