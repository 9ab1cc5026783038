import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { buildPrograms, programFolders } from './build.ts';
import { remainingCgroups } from './cgroups.ts';
import { runCommand } from './command.ts';
import {
  apiServerCommand,
  controllerManagerCommand,
  etcdCommand,
  schedulerCommand,
  writeAuditPolicy,
} from './control-plane.ts';
import { writeCredentials } from './credentials.ts';
import { makeImages } from './images/images.ts';
import { createNetwork, deleteNetwork, inNetworkNamespace, processesInNetwork } from './network.ts';
import { type NodeContext, startNode, stopNode } from './nodes.ts';
import { processTable, stopProcess } from './process-table.ts';
import { type ClusterPaths, type ClusterSettings, clusterPaths, nodeCountMax, nodeNames } from './settings.ts';
import { waitUntil } from './wait.ts';

/** The extended resource that Pods with an elastic network interface ask for; nodes of TKE have it from VPC-CNI. */
const interfaceResource = 'tke.cloud.tencent.com/eni-ip';
const interfacesPerNode = 61;
const apiTimeoutMs = 60_000;
const nodeTimeoutMs = 60_000;

/** Kernel settings of the whole machine that the kubelet changes. */
const kernelSettings = [
  'vm.overcommit_memory',
  'vm.panic_on_oom',
  'kernel.panic',
  'kernel.panic_on_oops',
  'kernel.keys.root_maxkeys',
  'kernel.keys.root_maxbytes',
];

/** What every step works with. */
export interface ClusterContext extends NodeContext {
  readonly paths: ClusterPaths;
}

export function clusterContext(clock: Clock, settings: ClusterSettings): ClusterContext {
  const paths = clusterPaths(settings);
  const processes = processTable(clock, paths);
  return { clock, settings, paths, processes, environment: environmentOf(settings, paths) };
}

/** The environment of everything in the cluster. Proxies of the machine are left out: nothing leads there. */
function environmentOf(settings: ClusterSettings, paths: ClusterPaths): Record<string, string> {
  const path = [...programFolders(settings), dirname(process.execPath), process.env.PATH ?? '', '/usr/sbin', '/sbin'];
  return {
    PATH: path.join(':'),
    HOME: process.env.HOME ?? '/root',
    LANG: 'C.UTF-8',
    KUBECONFIG: paths.kubeconfig,
    // Kubernetes collects its garbage a quarter as often: several clusters share few processors and much memory.
    GOGC: '400',
  };
}

/** The cluster's environment on top of the user's own, for what a user starts. */
export function userEnvironment(context: ClusterContext): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name));
  return { ...Object.fromEntries(own), ...context.environment };
}

/** Whether `up` has completed and `down` has not begun. */
export function isUp(paths: ClusterPaths): boolean {
  return existsSync(paths.state);
}

/** The settings that the running cluster was started with. */
export function readState(paths: ClusterPaths): ClusterSettings {
  return JSON.parse(readFileSync(paths.state, 'utf8')) as ClusterSettings;
}

/**
 * Brings the cluster up from nothing: programs, credentials, images, control plane, nodes that are Ready.
 * Whatever was left of an interrupted start is taken down first.
 */
export async function up(context: ClusterContext, report: (line: string) => void): Promise<void> {
  const { settings, paths } = context;
  await buildPrograms(settings, report);
  await down(context);
  for (const folder of [settings.workFolder, paths.logs]) mkdirSync(folder, { recursive: true, mode: 0o755 });
  await saveKernelSettings(paths);
  await Promise.all([makeClusterImages(context), startControlPlane(context)]);
  report('API server ready');
  start(context, 'servers', serversCommand(paths));
  await Promise.all(nodeNames(settings).map(node => startNode(context, node)));
  await waitForNodes(context);
  report(`${settings.nodeCount} nodes Ready`);
  writeFileSync(paths.state, JSON.stringify(settings));
}

/** Ends everything and removes what `up` has made, from whatever point it had reached. Without a cluster it does nothing. */
export async function down(context: ClusterContext): Promise<void> {
  const { clock, settings, paths } = context;
  if (!existsSync(settings.workFolder)) return;
  rmSync(paths.state, { force: true });
  await Promise.all(nodeNames({ ...settings, nodeCount: nodeCountMax }).map(node => stopNode(context, node)));
  await stopControlPlane(context);
  for (const pid of processesInNetwork(paths)) {
    if (pid !== process.pid) await stopProcess(clock, pid, 'SIGTERM');
  }
  await deleteNetwork(paths);
  await restoreKernelSettings(paths);
  rmSync(settings.workFolder, { recursive: true, force: true });
}

/** What a cluster that is down has left on the machine; nothing, if all is well. */
export async function leftovers(context: ClusterContext): Promise<string[]> {
  const { settings, paths } = context;
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const links = (await runCommand(['ip', '-brief', 'link'])).stdout.split('\n');
  return [
    ...[settings.workFolder, paths.networkNamespace].filter(existsSync),
    ...remainingCgroups(settings),
    ...mounts.filter(mount => mount.includes(settings.workFolder)).map(mount => `mount ${mount}`),
    ...processesNaming(settings.workFolder),
    ...links.filter(link => /^(nodes?\d*|cni0)[@ ]/.test(link)).map(link => `link ${link}`),
  ];
}

function processesNaming(text: string): string[] {
  const pids = readdirSync('/proc').filter(entry => /^\d+$/.test(entry) && entry !== String(process.pid));
  const commands = pids.map(pid => {
    const file = `/proc/${pid}/cmdline`;
    return existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\0', ' ') : '';
  });
  return commands.filter(command => command.includes(text)).map(command => `process ${command}`);
}

async function makeClusterImages({ settings, paths }: ClusterContext): Promise<void> {
  const scratchFolder = join(settings.workFolder, 'images-scratch');
  const [pauseFolder = ''] = programFolders(settings);
  const programs = { pause: join(pauseFolder, 'pause'), nginx: '/usr/sbin/nginx', node: process.execPath };
  await makeImages({ layoutFolder: paths.images, scratchFolder, programs });
  rmSync(scratchFolder, { recursive: true });
}

async function startControlPlane(context: ClusterContext): Promise<void> {
  const { clock, paths, settings } = context;
  await writeCredentials(settings, paths, clock.wallNow());
  writeAuditPolicy(paths);
  await createNetwork(paths);
  start(context, 'etcd', etcdCommand(paths));
  await startApiServer(context);
  // Only now: without the API server's own RBAC objects the controller manager ends at once.
  start(context, 'kube-controller-manager', controllerManagerCommand(paths));
  start(context, 'kube-scheduler', schedulerCommand(paths));
}

/** Returns when it is ready. */
export async function startApiServer(context: ClusterContext): Promise<void> {
  start(context, 'kube-apiserver', apiServerCommand(context.paths));
  const log = context.processes.logFile('kube-apiserver');
  await waitUntil(context.clock, `the API server to be ready, see ${log}`, apiTimeoutMs, async () => {
    await kubectl(context, ['get', '--raw', '/readyz']);
    return true;
  });
}

/** Ends it at once; it keeps no state, and on SIGTERM it would wait for its watchers. */
export function stopApiServer({ processes }: ClusterContext): Promise<void> {
  return processes.stop('kube-apiserver', 'SIGKILL');
}

async function stopControlPlane(context: ClusterContext): Promise<void> {
  const { processes } = context;
  await Promise.all(
    ['servers', 'kube-scheduler', 'kube-controller-manager'].map(name => processes.stop(name, 'SIGTERM')),
  );
  await stopApiServer(context);
  await processes.stop('etcd', 'SIGTERM');
}

/** Until the nodes are Ready, have their extended resource, and Pods can be made in the namespace `default`. */
async function waitForNodes(context: ClusterContext): Promise<void> {
  const nodes = nodeNames(context.settings).map(node => `node/${node}`);
  await Promise.all(nodes.map(node => waitForNode(context, node)));
  await waitUntil(context.clock, 'the default ServiceAccount', nodeTimeoutMs, async () => {
    return (await kubectl(context, ['get', 'serviceaccount', 'default', '--ignore-not-found'])) !== '';
  });
}

async function waitForNode(context: ClusterContext, node: string): Promise<void> {
  const interfaces = { [interfaceResource]: String(interfacesPerNode) };
  const patch = JSON.stringify({ status: { capacity: interfaces, allocatable: interfaces } });
  const { kubeletLog } = context.paths.node(node.replace('node/', ''));
  await waitUntil(context.clock, `${node} to register, see ${kubeletLog}`, nodeTimeoutMs, async () => {
    await kubectl(context, ['patch', node, '--subresource=status', '--type=merge', `--patch=${patch}`]);
    return true;
  });
  await kubectl(context, ['wait', '--for=condition=Ready', node, `--timeout=${nodeTimeoutMs / 1000}s`]);
}

/** kubectl as the administrator; its standard output. */
export async function kubectl(context: ClusterContext, args: readonly string[], input = ''): Promise<string> {
  const command = inNetworkNamespace(context.paths, ['kubectl', ...args]);
  const timeoutMs = 10 * 60_000;
  return (await runCommand(command, { environment: context.environment, input, timeoutMs })).stdout;
}

function start(context: ClusterContext, name: string, command: readonly string[]): void {
  context.processes.start(name, inNetworkNamespace(context.paths, command), context.environment);
}

function serversCommand(paths: ClusterPaths): string[] {
  return [process.execPath, join(import.meta.dirname, 'servers-main.ts'), paths.images, paths.requestLog];
}

async function saveKernelSettings(paths: ClusterPaths): Promise<void> {
  const { stdout } = await runCommand(['sysctl', ...kernelSettings]);
  writeFileSync(paths.kernelSettings, stdout.replaceAll(' = ', '='));
}

async function restoreKernelSettings(paths: ClusterPaths): Promise<void> {
  if (!existsSync(paths.kernelSettings)) return;
  await runCommand(['sysctl', '--quiet', '--load', paths.kernelSettings]);
}
