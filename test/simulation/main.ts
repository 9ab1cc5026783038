import { parseArgs } from 'node:util';
import type { Breach } from './breach.ts';
import { converge, hasConverged } from './convergence/converge.ts';
import { forbidRealWorld } from './forbid-real-world.ts';
import { lostTotal } from './model-client.ts';
import { isClean, runScenario, type ScenarioReport } from './scenario.ts';
import { asksForTurmoil, TURMOIL_USAGE, turmoilCommand } from './turmoil/command.ts';

const USAGE = `Usage: npm run simulate -- [options]

The whole system in virtual time: every seed is another day of rolling updates, scaling and deletions under load.

  --seed NUMBER     first seed (1)
  --count NUMBER    how many seeds, one after another (1)
  --minutes NUMBER  of virtual time for each (60; 3 with --converge)
  --unhooked        Pods without the preStop hook, for contrast
  --faults          CLB misbehaves, leaders die, agents are upgraded, the API server goes away, as the seed draws it
  --converge        no load; Services, Deployments and Pods change at random while everything goes wrong that can and others
                    meddle; when it ends, the cloud must come to what is asked for, and nothing of others may have changed
  --apart           let nothing reach the real world: clocks, timers, files, sockets, chance
  --tail NUMBER     how many last lines of its event log to print for a seed that failed (0)

${TURMOIL_USAGE}`;

const MINUTE_MS = 60_000;
const STORY_WIDTH = 240;

const HEADING = '  seed  changes  Pods  requests  lost  log (SHA-256)';
const CONVERGENCE_HEADING = '  seed  changes  settled  log (SHA-256)';

/** Resolves with the exit code: 0 when every seed was clean, 1 when one was not, 2 for a bad command line. */
async function main(argv: string[]): Promise<number> {
  if (asksForTurmoil(argv)) return runTurmoilCommand(argv);
  const options = readOptions(argv);
  if (typeof options === 'string') {
    console.error(options);
    return options === USAGE ? 0 : 2;
  }
  if (options.apart) forbidRealWorld();
  const run = options.converge ? converged : simulated;
  console.log(options.converge ? CONVERGENCE_HEADING : HEADING);
  let failed = 0;
  for (let seed = options.seed; seed < options.seed + options.count; seed += 1) {
    if (!(await run(seed, options))) failed += 1;
  }
  if (options.count > 1) console.log(`${options.count - failed} of ${options.count} seeds clean`);
  return failed === 0 ? 0 : 1;
}

async function runTurmoilCommand(argv: readonly string[]): Promise<number> {
  try {
    return await turmoilCommand(argv, { tell: text => console.log(text), progress: text => console.error(text) });
  } catch (error) {
    console.error(`simulate: ${error instanceof Error ? error.message : error}`);
    return 2;
  }
}

interface Options {
  readonly seed: number;
  readonly count: number;
  readonly minutes: number;
  readonly tail: number;
  readonly unhooked: boolean;
  readonly faults: boolean;
  readonly converge: boolean;
  readonly apart: boolean;
}

/** The options, or what is to be told instead. */
function readOptions(argv: string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        seed: { type: 'string', default: '1' },
        count: { type: 'string', default: '1' },
        minutes: { type: 'string' },
        tail: { type: 'string', default: '0' },
        unhooked: { type: 'boolean', default: false },
        faults: { type: 'boolean', default: false },
        converge: { type: 'boolean', default: false },
        apart: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return USAGE;
    const { unhooked, faults, converge, apart } = values;
    if (converge && (unhooked || faults)) throw new Error('--converge goes with neither --unhooked nor --faults');
    const number = (name: 'seed' | 'count' | 'minutes' | 'tail', text: string) => {
      const value = Number(text);
      if (Number.isSafeInteger(value) && value >= 0) return value;
      throw new Error(`--${name} must be a whole number, not "${text}"`);
    };
    return {
      seed: number('seed', values.seed),
      count: number('count', values.count),
      minutes: number('minutes', values.minutes ?? (converge ? '3' : '60')),
      tail: number('tail', values.tail),
      unhooked,
      faults,
      converge,
      apart,
    };
  } catch (error) {
    return `simulate: ${error instanceof Error ? error.message : error}`;
  }
}

/** @returns whether the seed was clean */
async function simulated(seed: number, { minutes, unhooked, faults, tail }: Options): Promise<boolean> {
  const report = await runScenario({ seed, durationMs: minutes * MINUTE_MS, hooked: !unhooked, faults });
  print(report);
  const clean = isClean(report);
  if (!clean) printStory(report.misfortunes, report.tail, tail);
  return clean;
}

function print(report: ScenarioReport): void {
  const lost = lostTotal(report.lost);
  const cells = [
    String(report.seed).padStart(6),
    String(report.changes).padStart(8),
    String(report.replacedPods).padStart(5),
    String(report.sent).padStart(9),
    String(lost).padStart(5),
  ];
  console.log(`${cells.join(' ')}  ${report.digest}`);
  printBreaches(report.breaches);
  for (const [reason, count] of report.lost) console.log(`       lost ${count}: ${reason}`);
  if (report.outlived > 0) console.log(`       no loss: ${report.outlived} outlived the drain budget`);
}

/** @returns whether the seed was clean */
async function converged(seed: number, { minutes, tail }: Options): Promise<boolean> {
  const report = await converge({ seed, durationMs: minutes * MINUTE_MS });
  const settled = report.settledMs === undefined ? 'never' : `${report.settledMs / 1_000} s`;
  const cells = [String(seed).padStart(6), String(report.changes).padStart(8), settled.padStart(8)];
  console.log(`${cells.join(' ')}  ${report.digest}`);
  printBreaches(report.breaches);
  for (const difference of report.differences) console.log(`       in the end: ${difference}`);
  const clean = hasConverged(report);
  if (!clean) printStory(report.told, report.tail, tail);
  return clean;
}

function printBreaches(breaches: readonly Breach[]): void {
  for (const breach of breaches) console.log(`       law ${breach.law} broken: ${breach.message}`);
}

function printStory(told: readonly string[], log: readonly string[], lines: number): void {
  for (const text of told) console.log(`       at ${text.slice(0, STORY_WIDTH)}`);
  if (lines > 0) for (const line of log.slice(-lines)) console.log(`       ${line}`);
}

process.exitCode = await main(process.argv.slice(2));
