/**
 * `npm run test:cluster [-- SUITE…]`: brings a cluster up, runs the suites in its network, takes it down and looks for
 * what is left. The last line is `N passed, N failed`. Exit code 2: something that the cluster needs is missing.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../common/clock.ts';
import { type ClusterContext, clusterContext, down, leftovers, up, userEnvironment } from './lifecycle.ts';
import { inNetworkNamespace } from './network.ts';
import { missingPrerequisites } from './prerequisites.ts';
import { productFolder } from './product/names.ts';
import { clusterSettings, nodeNames } from './settings.ts';

const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
const usage = `Usage: npm run test:cluster -- [--suite NAME …] [--name CLUSTER]

Brings a real cluster up, runs the suites of test/cluster/suites in its network (all of them, or those that are named), takes
it down and looks for what is left.

  --suite NAME     this suite alone; may be repeated
  --name CLUSTER   what the cluster is called (clb-direct-suites); with a name of its own it runs beside another one
`;

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface SuitesContext extends ClusterContext {
  /** Aborted by SIGINT and SIGTERM; the cluster is taken down all the same. */
  readonly interrupted: AbortSignal;
}

interface Wishes {
  readonly name: string;
  readonly suites: readonly string[];
}

function wishesOf(commandLine: readonly string[]): Wishes | undefined {
  const { values, positionals } = parseArgs({
    args: [...commandLine],
    allowPositionals: true,
    options: {
      suite: { type: 'string', multiple: true, default: [] },
      name: { type: 'string', default: 'clb-direct-suites' },
      help: { type: 'boolean', default: false },
    },
  });
  return values.help ? undefined : { name: values.name, suites: [...values.suite, ...positionals] };
}

async function main(commandLine: readonly string[]): Promise<number> {
  const wishes = wishesOf(commandLine);
  if (!wishes) {
    console.log(usage);
    return 0;
  }
  const { name, suites } = wishes;
  const cluster = clusterContext(systemClock(), clusterSettings({ name }));
  const context = { ...cluster, interrupted: interruption() };
  const missing = missingPrerequisites(context.settings);
  if (missing !== undefined) {
    console.error(missing);
    return 2;
  }
  const counts = [await runOnCluster(context, suites), await checkTeardown(context)];
  const sum = (part: keyof Counts) => counts.reduce((total, each) => total + each[part], 0);
  const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed${skipped}`);
  return sum('failed') === 0 ? 0 : 1;
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
  const command = [process.execPath, vitest, 'run', '--config', config, ...reporters, ...suites];
  const environment = { ...userEnvironment(context), CLB_DIRECT_CLUSTER: context.settings.name };
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

process.exitCode = await main(process.argv.slice(2));
