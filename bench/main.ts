import { parseArgs } from 'node:util';
import { systemClock } from '../common/clock.ts';
import { agent } from './agent/agent.ts';
import type { Benchmark, BenchmarkResult } from './benchmark.ts';
import { machine } from './machine.ts';
import { mixed } from './mixed/mixed.ts';
import { progress } from './progress.ts';
import { published } from './published/published.ts';
import { scale } from './scale/scale.ts';
import { webhook } from './webhook/webhook.ts';

const BENCHMARKS: readonly Benchmark[] = [published, mixed, scale, agent, webhook];
const DEFAULT_MINUTES = 10;

const USAGE = `Usage: npm run bench -- [options]

Measures the product and prints tables; docs/benchmarks.md says what the figures mean.

${BENCHMARKS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}

  --only NAME  run one of these (all, one after another)
  --minutes N  how long a process is watched under load (${DEFAULT_MINUTES})
  --json       print one JSON object on the last line besides: with --only what that benchmark gives, else by name
  --help       print this

Exit code: 0 when every goal was reached, 1 when one was missed, 2 for a bad command line.
`;

interface Options {
  readonly benchmarks: readonly Benchmark[];
  readonly minutes: number;
  readonly json: boolean;
}

async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'string') {
    const isHelp = options === USAGE;
    (isHelp ? console.log : console.error)(options);
    return isHelp ? 0 : 2;
  }
  const where = machine();
  const clock = systemClock();
  const { minutes } = options;
  const context = { clock, minutes, say: progress(clock, line => console.error(line)) };
  console.log(`${where.cpu}, ${where.cores} cores, ${where.memoryGiB} GiB, Node ${where.node}\n`);
  const results = new Map<string, BenchmarkResult>();
  for (const benchmark of options.benchmarks) {
    const result = await benchmark.run(context);
    console.log(`== ${benchmark.name}\n\n${result.text}\n`);
    results.set(benchmark.name, result);
  }
  const missed = [...results.values()].flatMap(result => result.missedGoals);
  for (const goal of missed) console.log(`GOAL MISSED ${goal}`);
  if (options.json) console.log(JSON.stringify({ machine: where, ...jsonOf(results), missedGoals: missed }));
  return missed.length > 0 ? 1 : 0;
}

function jsonOf(results: ReadonlyMap<string, BenchmarkResult>): object {
  const entries = [...results].map(([name, result]) => [name, result.json] as const);
  const [only] = entries;
  return entries.length === 1 && only ? only[1] : Object.fromEntries(entries);
}

function readOptions(argv: string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        only: { type: 'string' },
        minutes: { type: 'string', default: String(DEFAULT_MINUTES) },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return USAGE;
    const benchmarks = BENCHMARKS.filter(({ name }) => values.only === undefined || name === values.only);
    if (benchmarks.length === 0) {
      throw new Error(
        `there is no benchmark "${values.only}"; there are ${BENCHMARKS.map(({ name }) => name).join(', ')}`,
      );
    }
    const minutes = Number(values.minutes);
    if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not '${values.minutes}'`);
    return { benchmarks, minutes, json: values.json };
  } catch (error) {
    return `bench: ${error instanceof Error ? error.message : error}`;
  }
}

process.exitCode = await main(process.argv.slice(2));
