/** `npm run bench:scale-cluster`: brings a control plane up, measures in its network, takes it down. */
import { spawn } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../common/clock.ts';
import {
  type ClusterContext,
  clusterContext,
  down,
  leftovers,
  up,
  userEnvironment,
} from '../../test/cluster/lifecycle.ts';
import { inNetworkNamespace } from '../../test/cluster/network.ts';
import { missingPrerequisites } from '../../test/cluster/prerequisites.ts';
import { clusterSettings } from '../../test/cluster/settings.ts';
import { type ScaleOptions, scaleOptions, USAGE } from './options.ts';

const MEASURE = join(import.meta.dirname, 'measure-main.ts');

async function main(argv: readonly string[]): Promise<number> {
  let options: ScaleOptions | undefined;
  let context: ClusterContext;
  try {
    options = scaleOptions(argv);
    // Kubelets of this program are enough.
    context = clusterContext(systemClock(), { ...clusterSettings({ name: options?.name }), nodeCount: 0 });
  } catch (error) {
    console.error(`bench:scale-cluster: ${(error as Error).message}`);
    return 2;
  }
  if (!options) {
    console.log(USAGE);
    return 0;
  }
  const missing = missingPrerequisites(context.settings);
  if (missing === undefined) return measureOn(context, argv);
  console.error(missing);
  return 1;
}

async function measureOn(context: ClusterContext, argv: readonly string[]): Promise<number> {
  const interrupted = interruption();
  let code = 1;
  try {
    await up(context, line => console.error(line));
    interrupted.throwIfAborted();
    code = await measure(context, argv, interrupted);
  } catch (error) {
    console.error((error as Error).message);
  } finally {
    if (code !== 0) keepLogs(context);
    await down(context);
  }
  const left = await leftovers(context);
  for (const thing of left) console.error(`left behind: ${thing}`);
  return left.length === 0 ? code : 1;
}

function measure(context: ClusterContext, argv: readonly string[], interrupted: AbortSignal): Promise<number> {
  const [program = '', ...rest] = inNetworkNamespace(context.paths, [process.execPath, MEASURE, ...argv]);
  const child = spawn(program, rest, { stdio: 'inherit', env: userEnvironment(context) });
  interrupted.addEventListener('abort', () => child.kill('SIGTERM'));
  return new Promise(resolve => child.on('exit', code => resolve(code ?? 1)));
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => controller.abort(new Error(`ended by ${signal}`)));
  }
  return controller.signal;
}

/** The cluster's folder goes with it; what tells why it failed stays until the next failure. */
function keepLogs({ settings, paths }: ClusterContext): void {
  const folder = `${settings.workFolder}-logs`;
  rmSync(folder, { recursive: true, force: true });
  cpSync(paths.logs, folder, { recursive: true });
  console.error(`logs: ${folder}`);
}

process.exitCode = await main(process.argv.slice(2));
