import assert from 'node:assert/strict';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** What tells one cluster from another. Everything else follows from it. */
export interface ClusterSettings {
  /** The network namespace, the work folder and the cgroups of the nodes are called after it. */
  readonly name: string;
  readonly nodeCount: number;
  /** Everything the running cluster writes. */
  readonly workFolder: string;
  /** Built programs; outlives the cluster. */
  readonly cacheFolder: string;
}

export const defaultClusterName = 'clb-direct-cluster';
/** A folder of their own: `down` removes a cluster's folder with everything in it, so no other folder may get its path. */
const clustersFolder = join(tmpdir(), 'clb-direct-clusters');
/** Node addresses are 10.250.0.11 to .19. */
export const nodeCountMax = 9;

/**
 * The settings that these options, written as on a command line, stand for.
 * @throws RangeError that names the option and its value
 */
export function clusterSettings(options: { name?: string | undefined; nodes?: string | undefined }): ClusterSettings {
  const { name = defaultClusterName, nodes = '3' } = options;
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw new RangeError(`--name "${name}": use at most 31 small letters, digits and dashes, a letter first`);
  }
  const nodeCount = Number(nodes);
  if (!Number.isInteger(nodeCount) || nodeCount < 1 || nodeCount > nodeCountMax) {
    throw new RangeError(`--nodes "${nodes}": use a whole number from 1 to ${nodeCountMax}`);
  }
  return { name, nodeCount, workFolder: join(clustersFolder, name), cacheFolder: cacheFolder() };
}

function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'clb-direct', 'cluster');
}

/** Names of the nodes in order: node1, node2 ... */
export function nodeNames(settings: ClusterSettings): string[] {
  return Array.from({ length: settings.nodeCount }, (_, index) => `node${index + 1}`);
}

/** Files and folders of one cluster. */
export interface ClusterPaths {
  readonly networkNamespace: string;
  readonly kubeconfig: string;
  readonly kubeconfigs: string;
  readonly certificates: string;
  readonly etcd: string;
  readonly logs: string;
  readonly processes: string;
  readonly images: string;
  readonly requestLog: string;
  readonly auditPolicy: string;
  /** The API server's, of the product's requests. */
  readonly auditLog: string;
  /** Written last by `up`: the settings of a cluster that is complete. */
  readonly state: string;
  /** Kernel settings as they were before. */
  readonly kernelSettings: string;
  node(node: string): NodePaths;
}

/** Files of one node as seen from the machine; inside the node they lie at the usual places. */
export interface NodePaths {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly kubeletConfig: string;
  readonly containerdConfig: string;
  readonly containerNetworks: string;
  readonly registryHosts: string;
  readonly containerdSocket: string;
  readonly kubeletPid: string;
  readonly kubeletLog: string;
  readonly containerdLog: string;
  readonly containerEvents: string;
}

export function clusterPaths(settings: ClusterSettings): ClusterPaths {
  const inWork = (...parts: string[]) => join(settings.workFolder, ...parts);
  return {
    networkNamespace: `/run/netns/${settings.name}`,
    kubeconfig: inWork('kubeconfig', 'admin'),
    kubeconfigs: inWork('kubeconfig'),
    certificates: inWork('certificates'),
    etcd: inWork('etcd'),
    logs: inWork('log'),
    processes: inWork('processes'),
    images: inWork('images'),
    requestLog: inWork('log', 'requests.jsonl'),
    auditPolicy: inWork('audit-policy.json'),
    auditLog: inWork('log', 'audit.jsonl'),
    state: inWork('state.json'),
    kernelSettings: inWork('kernel-settings'),
    node: node => nodePaths(inWork('nodes', node), inWork('kubeconfig', node)),
  };
}

function nodePaths(folder: string, kubeconfig: string): NodePaths {
  return {
    folder,
    kubeconfig,
    kubeletConfig: join(folder, 'kubelet.json'),
    containerdConfig: join(folder, 'containerd.toml'),
    containerNetworks: join(folder, 'cni'),
    registryHosts: join(folder, 'registry'),
    containerdSocket: join(folder, 'run/containerd/containerd.sock'),
    kubeletPid: join(folder, 'run/kubelet.pid'),
    kubeletLog: join(folder, 'var/log/kubelet.log'),
    containerdLog: join(folder, 'var/log/containerd.log'),
    containerEvents: join(folder, 'var/log/container-events.log'),
  };
}

/** 1 for node1. */
export function nodeNumber(node: string): number {
  const number = Number(/^node([1-9])$/.exec(node)?.[1]);
  assert(Number.isInteger(number), `"${node}" is not a node name; nodes are called node1 to node${nodeCountMax}`);
  return number;
}
