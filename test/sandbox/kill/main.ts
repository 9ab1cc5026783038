import { systemClock } from '../../../common/clock.ts';
import {
  flag,
  isHelpRequested,
  OptionError,
  type OptionValues,
  parseOptions,
  text,
  usage,
} from '../../../common/options.ts';
import { LOW_PORTS_ADVICE, mayListenOnLowPorts } from '../../../sandbox/cluster/low-ports.ts';
import { Progress } from '../../../sandbox/demo/progress.ts';
import { ALL_CASES } from './cases/all-cases.ts';
import type { CaseResult, KillCase } from './kill-case.ts';
import { playCase } from './play-case.ts';
import { reasons, resultTable } from './result-table.ts';

const OPTIONS = {
  only: text({
    description: 'cases to run, separated by commas (default: all)',
    placeholder: 'NAME,…',
    optional: true,
  }),
  keepFolder: flag({
    description: "leave every case's folder with all logs behind, not only those of cases that failed",
    default: false,
  }),
};

const HELP = `npm run test:kill -- [options]

Kills, freezes and cuts off real processes of clb-direct in the sandbox, under load, and tells what was lost and how
soon everything had recovered. Each case has a sandbox of its own. Cases: ${ALL_CASES.map(({ name }) => name).join(', ')}

${usage(OPTIONS)}`;

const PASSED = 0;
const FAILED = 1;
const BAD_CONFIGURATION = 2;

async function main(argv: readonly string[]): Promise<number> {
  if (isHelpRequested(argv)) {
    console.log(HELP);
    return PASSED;
  }
  const values = parseOptions(OPTIONS, argv, process.env);
  const cases = chosen(values.only);
  if (!(await mayListenOnLowPorts())) {
    console.error(`kill: ${LOW_PORTS_ADVICE}`);
    return BAD_CONFIGURATION;
  }
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Error(`ended by ${name}`)));
  const results: CaseResult[] = [];
  for (const killCase of cases) {
    if (!stop.signal.aborted) results.push(await playAloud(killCase, values, stop.signal));
  }
  const failed = results.filter(({ problems }) => problems.length > 0).length;
  console.log(`\n${resultTable(results)}\n${reasons(results)}\n${results.length - failed} passed, ${failed} failed`);
  return failed === 0 && results.length === cases.length ? PASSED : FAILED;
}

/** @throws OptionError for names that no case has. */
function chosen(only: string | undefined): readonly KillCase[] {
  if (only === undefined) return ALL_CASES;
  return only.split(',').map(name => {
    const found = ALL_CASES.find(killCase => killCase.name === name);
    if (found) return found;
    throw new OptionError(`--only: no case is called '${name}'; --help lists them`);
  });
}

async function playAloud(
  killCase: KillCase,
  { keepFolder }: OptionValues<typeof OPTIONS>,
  signal: AbortSignal,
): Promise<CaseResult> {
  const clock = systemClock();
  const progress = new Progress(clock, line => console.log(line));
  console.log(`\n${killCase.name}: ${killCase.fault}`);
  const result = await playCase(killCase, { clock, progress, keepFolder }, signal);
  const verdict = result.problems.length === 0 ? 'passed' : `FAILED\n  ${result.problems.join('\n  ')}`;
  console.log(`${killCase.name}: ${result.lost} of ${result.sent} requests lost, ${verdict}`);
  return result;
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof OptionError)) throw error;
  console.error(`kill: ${error.message}`);
  process.exit(BAD_CONFIGURATION);
}
