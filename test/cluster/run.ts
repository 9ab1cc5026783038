/**
 * `npm run test:cluster`: brings a cluster up, runs the suites in its network, takes it down and looks for
 * what is left. The last line is `N passed, N failed`. Exit code 2: something that the cluster needs is missing.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../common/clock.ts';
import { onlySuiteVariable } from './harness.ts';
import { type ClusterContext, clusterContext, down, leftovers, up, userEnvironment } from './lifecycle.ts';
import { inNetworkNamespace } from './network.ts';
import { missingPrerequisites } from './prerequisites.ts';
import { productFolder } from './product/names.ts';
import { clusterSettings, nodeNames } from './settings.ts';
import { type Counts, runSideBySide, total } from './side-by-side.ts';

const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
const suiteNames = readdirSync(join(import.meta.dirname, 'suites')).map(file => file.replace('.test.ts', ''));
const usage = `Usage: npm run test:cluster -- [--suite NAME …] [--jobs NUMBER] [--name CLUSTER]

Brings a real cluster up, runs the suites of test/cluster/suites in its network (all of them, or those that are named), takes
it down and looks for what is left.

  --suite NAME     this suite alone; may be repeated
  --jobs NUMBER    each suite on a cluster of its own, so many at a time, with a table of what they took
  --name CLUSTER   what the cluster is called (clb-direct-suites); with a name of its own it runs beside another one

Suites: ${suiteNames.join(', ')}
`;

interface SuitesContext extends ClusterContext {
  /** Aborted by SIGINT and SIGTERM; the cluster is taken down all the same. */
  readonly interrupted: AbortSignal;
}

interface Wishes {
  readonly name: string;
  /** None: all. */
  readonly suites: readonly string[];
  /** Undefined: all suites on one cluster. */
  readonly jobs: number | undefined;
}

function wishesOf(commandLine: readonly string[]): Wishes | undefined {
  const { values, positionals } = parseArgs({
    args: [...commandLine],
    allowPositionals: true,
    options: {
      suite: { type: 'string', multiple: true, default: [] },
      name: { type: 'string', default: 'clb-direct-suites' },
      jobs: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const suites = [...values.suite, ...positionals];
  const unknown = suites.find(suite => !suiteNames.includes(suite));
  if (unknown !== undefined) throw new RangeError(`--suite "${unknown}": use ${suiteNames.join(', ')}`);
  const jobs = values.jobs === undefined ? undefined : Number(values.jobs);
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs >= 1)) {
    throw new RangeError(`--jobs "${values.jobs}": use a whole number from 1`);
  }
  return { name: values.name, suites, jobs };
}

async function main(commandLine: readonly string[]): Promise<number> {
  const wishes = wishesOf(commandLine);
  if (!wishes) {
    console.log(usage);
    return 0;
  }
  const { name, suites, jobs } = wishes;
  const clock = systemClock();
  const context = { ...clusterContext(clock, clusterSettings({ name })), interrupted: interruption() };
  const missing = missingPrerequisites(context.settings);
  if (missing !== undefined) {
    console.error(missing);
    return 2;
  }
  const { passed, failed, skipped } =
    jobs === undefined
      ? total([await runOnCluster(context, suites), await checkTeardown(context)])
      : await runSideBySide({
          suites: suites.length > 0 ? suites : suiteNames,
          ...{ jobs, name, clock, report: text => console.log(text), interrupted: context.interrupted },
        });
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failed === 0 ? 0 : 1;
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => controller.abort(new Error(`ended by ${signal}`)));
  return controller.signal;
}

async function runOnCluster(context: SuitesContext, suites: readonly string[]): Promise<Counts> {
  try {
    await up(context, line => console.log(line));
    context.interrupted.throwIfAborted();
    const counts = await runSuites(context, suites);
    if (counts.failed > 0) keepLogs(context);
    return counts;
  } catch (error) {
    console.error((error as Error).message);
    keepLogs(context);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    await down(context);
  }
}

/** The cluster's folder goes with it; what tells why a suite failed stays until the next failure. */
function keepLogs({ settings, paths }: SuitesContext): void {
  const folder = `${settings.workFolder}-logs`;
  rmSync(folder, { recursive: true, force: true });
  const keep = (from: string, to: string) => existsSync(from) && cpSync(from, join(folder, to), { recursive: true });
  keep(paths.logs, '.');
  keep(productFolder(settings), 'product');
  for (const node of nodeNames(settings)) keep(join(paths.node(node).folder, 'var/log'), node);
  console.error(`logs: ${folder}`);
}

/** Vitest runs inside the cluster's network, so suites can bind client addresses and reach Pods with plain sockets. */
async function runSuites(context: SuitesContext, suites: readonly string[]): Promise<Counts> {
  const results = join(context.settings.workFolder, 'results.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const config = join(import.meta.dirname, 'vitest.config.ts');
  const command = [
    process.execPath,
    vitest,
    'run',
    '--config',
    config,
    ...reporters,
    ...suites.map(suite => `suites/${suite}.test.ts`),
  ];
  const isOnly = suites.length === 1 ? '1' : '0';
  const own = { CLB_DIRECT_CLUSTER: context.settings.name, [onlySuiteVariable]: isOnly };
  const environment = { ...userEnvironment(context), ...own };
  const [program = '', ...rest] = inNetworkNamespace(context.paths, command);
  const child = spawn(program, rest, { stdio: 'inherit', env: environment });
  context.interrupted.addEventListener('abort', () => child.kill('SIGTERM'));
  await new Promise(resolve => child.on('exit', resolve));
  return readCounts(results);
}

function readCounts(results: string): Counts {
  if (!existsSync(results)) return { passed: 0, failed: 1, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites, success } = JSON.parse(
    readFileSync(results, 'utf8'),
  );
  // A file that cannot be loaded fails without a failed test.
  const failed = numFailedTests === 0 && !success ? Math.max(1, numFailedTestSuites) : numFailedTests;
  return { passed: numPassedTests, failed, skipped: numPendingTests };
}

async function checkTeardown(context: ClusterContext): Promise<Counts> {
  const left = await leftovers(context);
  for (const thing of left) console.error(`left behind: ${thing}`);
  console.log(left.length === 0 ? '✓ teardown leaves nothing behind' : '✗ teardown leaves nothing behind');
  return { passed: left.length === 0 ? 1 : 0, failed: left.length === 0 ? 0 : 1, skipped: 0 };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // What is wrong with the command line.
  if (!(error instanceof RangeError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
