/** What suites see of a cluster that is up. */
import { existsSync, readFileSync } from 'node:fs';
import type { Clock } from '../../common/clock.ts';
import { type AuditedRequest, parseAuditLog } from './audit-log.ts';
import { type ClusterProcess, startClusterProcess } from './cluster-process.ts';
import { type CommandOutput, runCommand } from './command.ts';
import { type ContainerMoments, containerMoments } from './container-moments.ts';
import {
  type ClusterContext,
  clusterContext,
  isUp,
  kubectl,
  readState,
  startApiServer,
  stopApiServer,
} from './lifecycle.ts';
import { inNetworkNamespace } from './network.ts';
import { nodePid, startNode, stopNode } from './nodes.ts';
import { type LoggedRequest, parseRequestLog } from './request-log.ts';
import { type ClusterPaths, type ClusterSettings, clusterPaths, clusterSettings, nodeNames } from './settings.ts';

/** Longer than helm waits for what it has installed. */
const commandTimeoutMs = 300_000;

export interface SpawnOptions {
  /** Names the log file. */
  readonly name: string;
  /** Added to the cluster's own (PATH with kubectl and helm, HOME, KUBECONFIG of the administrator). */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface BoundTokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly audience: string;
  /** A token bound to a Pod names the Pod and its node, one bound to a node the node alone. */
  readonly boundTo: { readonly kind: 'Pod' | 'Node'; readonly name: string };
}

export interface Cluster {
  readonly settings: ClusterSettings;
  readonly paths: ClusterPaths;
  readonly nodes: readonly string[];
  /** As the administrator; resolves to standard output. @throws CommandFailedError */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** `kubectl get ARGS --output=json`, parsed. */
  get<Value>(args: readonly string[]): Promise<Value>;
  /** Runs a command in the network of control plane, clients and virtual addresses. @throws CommandFailedError */
  run(command: readonly string[]): Promise<CommandOutput>;
  spawn(command: readonly string[], options: SpawnOptions): Promise<ClusterProcess>;
  /** Runs a command in all namespaces of a node: its network, its /run and /var/lib/kubelet, its processes. */
  runOnNode(node: string, command: readonly string[]): Promise<CommandOutput>;
  /** Its folder is `/`; the machine's files are there under their own paths, save the node's (see node.sh). */
  spawnOnNode(node: string, command: readonly string[], options: SpawnOptions): Promise<ClusterProcess>;
  /** Host pid of the node's first process. @throws Error when the node is not up */
  nodePid(node: string): number;
  /** Ends a node as a power cut does; `startNode` brings it back with the disk it had. */
  stopNode(node: string): Promise<void>;
  startNode(node: string): Promise<void>;
  /** Ends it with `kill -9`; etcd stays. */
  stopApiServer(): Promise<void>;
  /** Returns when it is ready. */
  startApiServer(): Promise<void>;
  createBoundToken(request: BoundTokenRequest): Promise<string>;
  /** Does what leaves the cluster clean for another suite; nothing where it goes with this one, which saves a minute. */
  leaveClean(work: () => Promise<unknown>): Promise<void>;
  /** Every container of every node since `up`, gone ones too. */
  containerMoments(): ContainerMoments[];
  /** Every request that an nginx of the cluster has finished, in the order of their ends. */
  loggedRequests(): LoggedRequest[];
  /** Every request of the product's ServiceAccounts to the API server since `up`, as its audit log has it. */
  auditedRequests(): AuditedRequest[];
}

/** Set to 1 for the only suite of a cluster. */
export const onlySuiteVariable = 'CLB_DIRECT_ONLY_SUITE';

/** @throws Error when the cluster is down */
export function openCluster(clock: Clock, name?: string): Cluster {
  const asked = clusterSettings({ name });
  if (!isUp(clusterPaths(asked))) throw new Error(`${asked.name} is down; "npm run cluster -- up" starts it`);
  const context = clusterContext(clock, readState(clusterPaths(asked)));
  const { settings, paths } = context;
  const pidOf = (node: string) => requireNodePid(context, node);
  return {
    settings,
    paths,
    nodes: nodeNames(settings),
    kubectl: (args, input) => kubectl(context, args, input),
    get: async args => JSON.parse(await kubectl(context, ['get', ...args, '--output=json'])),
    run: command => runWith(context, inNetworkNamespace(paths, command)),
    spawn: (command, options) => spawnWith(context, inNetworkNamespace(paths, command), options, { forks: false }),
    runOnNode: async (node, command) => runWith(context, onNode(pidOf(node), command)),
    spawnOnNode: async (node, command, options) =>
      spawnWith(context, onNode(pidOf(node), command), options, { forks: true }),
    nodePid: pidOf,
    stopNode: node => stopNode(context, node),
    startNode: node => startNode(context, node),
    stopApiServer: () => stopApiServer(context),
    startApiServer: () => startApiServer(context),
    createBoundToken: request => createBoundToken(context, request),
    leaveClean: async work => {
      if (process.env[onlySuiteVariable] !== '1') await work();
    },
    containerMoments: () => nodeNames(settings).flatMap(node => containerMoments(readNodeLogs(paths, node))),
    loggedRequests: () => parseRequestLog(readCompleteLines(paths.requestLog)),
    auditedRequests: () => parseAuditLog(readCompleteLines(paths.auditLog)),
  };
}

function runWith({ environment }: ClusterContext, command: readonly string[]): Promise<CommandOutput> {
  return runCommand(command, { environment, timeoutMs: commandTimeoutMs });
}

function spawnWith(
  { clock, environment, processes }: ClusterContext,
  command: readonly string[],
  options: SpawnOptions,
  { forks }: { forks: boolean },
): Promise<ClusterProcess> {
  const logFile = processes.logFile(options.name);
  return startClusterProcess(clock, {
    command,
    logFile,
    forks,
    environment: { ...environment, ...options.environment },
  });
}

function onNode(pid: number, command: readonly string[]): string[] {
  return ['nsenter', `--target=${pid}`, '--mount', '--uts', '--net', '--ipc', '--pid', '--', ...command];
}

function requireNodePid(context: ClusterContext, node: string): number {
  const pid = nodePid(context, node);
  if (pid === undefined) throw new Error(`${node} is not up`);
  return pid;
}

async function createBoundToken(context: ClusterContext, request: BoundTokenRequest): Promise<string> {
  const { namespace, serviceAccount, audience, boundTo } = request;
  const bound = [`--bound-object-kind=${boundTo.kind}`, `--bound-object-name=${boundTo.name}`];
  const args = ['create', 'token', serviceAccount, `--namespace=${namespace}`, `--audience=${audience}`, ...bound];
  return (await kubectl(context, args)).trim();
}

function readNodeLogs(paths: ClusterPaths, node: string) {
  const { kubeletLog, containerdLog, containerEvents } = paths.node(node);
  return {
    node,
    kubelet: readCompleteLines(kubeletLog),
    containerd: readCompleteLines(containerdLog),
    containerEvents: readCompleteLines(containerEvents),
  };
}

/** A last line that is still being written is left for the next time. */
function readCompleteLines(file: string): string {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text.slice(0, text.lastIndexOf('\n') + 1);
}
