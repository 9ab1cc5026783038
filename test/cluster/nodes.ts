import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { apiPort, apiServiceAddress, controlPlaneAddress, nodeAddress, podSubnet } from './addresses.ts';
import { createNodeCgroups, removeNodeCgroups } from './cgroups.ts';
import { runCommand } from './command.ts';
import { bridge, inNetworkNamespace } from './network.ts';
import { writeNodeFiles } from './node-files.ts';
import { onlyChild, type ProcessTable } from './process-table.ts';
import { type ClusterSettings, clusterPaths, nodeNames } from './settings.ts';
import { waitUntil } from './wait.ts';

const firstProcess = join(import.meta.dirname, 'node.sh');
const stepTimeoutMs = 10_000;
const unshare = 'unshare --mount --uts --net --ipc --pid --fork --kill-child --mount-proc'.split(' ');

export interface NodeContext {
  readonly clock: Clock;
  readonly settings: ClusterSettings;
  readonly processes: ProcessTable;
  readonly environment: Readonly<Record<string, string>>;
}

/** Host pid of the node's first process (pid 1 inside). Undefined: the node is not up. */
export function nodePid(context: NodeContext, node: string): number | undefined {
  const pid = context.processes.livePid(node);
  return pid === undefined ? undefined : onlyChild(pid);
}

/** Starts a node, or starts it again after `stopNode`: with the disk it had, as after a reboot. */
export async function startNode(context: NodeContext, node: string): Promise<void> {
  const { clock, settings, processes } = context;
  if (processes.livePid(node) !== undefined) return;
  // Cgroups of an earlier life cost the kubelet 3 s each.
  await waitUntil(clock, `${node}: old cgroups to go`, stepTimeoutMs, () => removeNodeCgroups(settings, node));
  createNodeCgroups(settings, node);
  writeNodeFiles(settings, node);
  const paths = clusterPaths(settings);
  processes.start(node, inNetworkNamespace(paths, [...unshare, firstProcess]), nodeEnvironment(context, node));
  const pid = await waitUntil(clock, `${node} to start`, stepTimeoutMs, () => nodePid(context, node));
  const commands = [
    `link add ${node} type veth peer name eth0 netns ${pid}`,
    `link set ${node} master ${bridge} up`,
    `route replace ${podSubnet(node)} via ${nodeAddress(node)}`,
  ];
  await runCommand(inNetworkNamespace(paths, ['ip', '-batch', '-']), { input: commands.join('\n') });
}

/** Ends a node as a power cut does: every process at once, nothing is told to anybody. */
export async function stopNode(context: NodeContext, node: string): Promise<void> {
  const { clock, settings, processes } = context;
  await processes.stop(node, 'SIGKILL');
  await waitUntil(clock, `${node}: processes to end`, stepTimeoutMs, () => removeNodeCgroups(settings, node));
  await removeLink(settings, node);
}

/** The kernel takes a node's network down, and the link with it, some time after its last process; the next one needs the name. */
async function removeLink(settings: ClusterSettings, node: string): Promise<void> {
  const paths = clusterPaths(settings);
  if (!existsSync(paths.networkNamespace)) return;
  const { stdout } = await runCommand(inNetworkNamespace(paths, ['ip', '-brief', 'link', 'show', 'type', 'veth']));
  if (!stdout.split('\n').some(line => line.startsWith(`${node}@`))) return;
  // Unless the kernel was first.
  await runCommand(inNetworkNamespace(paths, ['ip', 'link', 'delete', node])).catch(() => undefined);
}

function nodeEnvironment({ settings, environment }: NodeContext, node: string): Record<string, string> {
  const others = nodeNames(settings).filter(other => other !== node);
  const files = clusterPaths(settings).node(node);
  return {
    ...environment,
    NODE: node,
    NODE_FOLDER: files.folder,
    NODE_ADDRESS: nodeAddress(node),
    GATEWAY: controlPlaneAddress,
    POD_ROUTES: others.map(other => `${podSubnet(other)} ${nodeAddress(other)}`).join('\n'),
    API_SERVICE: `${apiServiceAddress}:443`,
    API_SERVER: `${controlPlaneAddress}:${apiPort}`,
    KUBECONFIG_NODE: files.kubeconfig,
  };
}
