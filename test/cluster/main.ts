/** `npm run cluster -- up [--nodes 3] | down | status | exec CMD...`: a real small Kubernetes on this machine. */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Clock, systemClock } from '../../common/clock.ts';
import {
  type ClusterContext,
  clusterContext,
  down,
  isUp,
  kubectl,
  readState,
  up,
  userEnvironment,
} from './lifecycle.ts';
import { inNetworkNamespace } from './network.ts';
import { missingPrerequisites } from './prerequisites.ts';
import { type ClusterSettings, clusterSettings, defaultClusterName } from './settings.ts';

const usage = `usage: npm run cluster -- [--name ${defaultClusterName}] COMMAND
  up [--nodes 3]   build what is missing, start control plane and nodes
  down             end everything, remove everything but the built programs
  status           what runs, and where
  exec CMD...      run a command in the cluster's network, with its KUBECONFIG, kubectl and helm`;

interface Invocation {
  readonly command: string;
  readonly settings: ClusterSettings;
  /** What stands after `exec`. */
  readonly rest: readonly string[];
}

/** @throws Error with what is wrong with the arguments. */
function parseInvocation(args: string[]): Invocation {
  const execAt = args.indexOf('exec');
  const own = execAt < 0 ? args : args.slice(0, execAt + 1);
  const rest = execAt < 0 ? [] : args.slice(execAt + 1).filter((argument, index) => index > 0 || argument !== '--');
  const options = { name: { type: 'string' }, nodes: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args: own, options, allowPositionals: true });
  const [command = '', ...excess] = positionals;
  if (!['up', 'down', 'status', 'exec'].includes(command) || excess.length > 0) throw new Error(usage);
  if (command === 'exec' && rest.length === 0) throw new Error('exec: say which command');
  return { command, rest, settings: clusterSettings({ name: values.name, nodes: values.nodes }) };
}

async function main(clock: Clock): Promise<number> {
  let invocation: Invocation;
  try {
    invocation = parseInvocation(process.argv.slice(2));
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
  const context = clusterContext(clock, invocation.settings);
  const missing = missingPrerequisites(invocation.settings);
  if (missing !== undefined) {
    console.error(missing);
    return 2;
  }
  switch (invocation.command) {
    case 'up':
      return bringUp(context);
    case 'down':
      await down(context);
      return 0;
    case 'status':
      return showStatus(context);
    default:
      return execute(context, invocation.rest);
  }
}

async function bringUp(context: ClusterContext): Promise<number> {
  const { clock, paths, settings } = context;
  if (isUp(paths)) {
    console.error(`${settings.name} is up already, with ${readState(paths).nodeCount} nodes; "down" ends it`);
    return 1;
  }
  const beganAtMs = clock.now();
  const report = (line: string) => console.log(`${((clock.now() - beganAtMs) / 1000).toFixed(1)} s  ${line}`);
  try {
    await up(context, report);
  } catch (error) {
    console.error(`${(error as Error).message}\nlogs: ${paths.logs}; "down" removes what has started`);
    return 1;
  }
  console.log(`KUBECONFIG=${paths.kubeconfig}  (npm run cluster -- exec kubectl get nodes)`);
  return 0;
}

async function showStatus(context: ClusterContext): Promise<number> {
  const { paths, processes, settings } = context;
  if (!isUp(paths)) {
    console.log(`${settings.name} is down`);
    return 1;
  }
  for (const name of processes.names().sort()) {
    const pid = processes.livePid(name);
    console.log(`${name.padEnd(26)}${pid === undefined ? 'ended' : `pid ${pid}`}  ${processes.logFile(name)}`);
  }
  console.log(`\nKUBECONFIG=${paths.kubeconfig}\n\n${await kubectl(context, ['get', 'nodes', '--output=wide'])}`);
  return 0;
}

function execute(context: ClusterContext, command: readonly string[]): Promise<number> {
  if (!isUp(context.paths)) {
    console.error(`${context.settings.name} is down; "npm run cluster -- up" starts it`);
    return Promise.resolve(1);
  }
  const [program = '', ...rest] = inNetworkNamespace(context.paths, command);
  const child = spawn(program, rest, { stdio: 'inherit', env: userEnvironment(context) });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
}

process.exitCode = await main(systemClock());
