import { existsSync, readdirSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { clientSubnet, controlPlaneAddress, virtualAddressSubnet } from './addresses.ts';
import { runCommand } from './command.ts';
import type { ClusterPaths } from './settings.ts';

/** The bridge that control plane and nodes hang on. */
export const bridge = 'nodes';
/** Of those that nobody was given. */
const bridgeHardwareAddress = '02:00:0a:fa:00:01';
const namespaceFolder = '/run/netns';

/** The command, run in the cluster's network. Unlike `ip netns exec` it leaves mounts alone, so cgroups stay visible. */
export function inNetworkNamespace(paths: ClusterPaths, command: readonly string[]): string[] {
  return ['nsenter', `--net=${paths.networkNamespace}`, '--', ...command];
}

/**
 * Makes the namespace with the bridge. Nothing leads out of it.
 * @throws Error when a namespace of that name is there already: it is not ours
 */
export async function createNetwork(paths: ClusterPaths): Promise<void> {
  if (existsSync(paths.networkNamespace)) {
    throw new Error(`network namespace ${nameOf(paths)} is there and not of this harness; choose another --name`);
  }
  await runCommand(['ip', 'netns', 'add', nameOf(paths)]);
  const commands = [
    'link set lo up',
    // Else it has the lowest address of its links, and another one when a node is started anew: the others would not reach it.
    `link add ${bridge} address ${bridgeHardwareAddress} type bridge`,
    `addr add ${controlPlaneAddress}/24 dev ${bridge}`,
    `link set ${bridge} up`,
    // A local route makes every address of a subnet ours without naming each.
    `route add local ${clientSubnet} dev lo`,
    `route add local ${virtualAddressSubnet} dev lo`,
  ];
  await runCommand(inNetworkNamespace(paths, ['ip', '-batch', '-']), { input: commands.join('\n') });
}

export async function deleteNetwork(paths: ClusterPaths): Promise<void> {
  if (existsSync(paths.networkNamespace)) await runCommand(['ip', 'netns', 'delete', nameOf(paths)]);
  await removeNamespaceFolder();
}

/** `ip netns add` mounts /run/netns onto itself; with the last namespace that mount goes, too. */
async function removeNamespaceFolder(): Promise<void> {
  if (!existsSync(namespaceFolder) || readdirSync(namespaceFolder).length > 0) return;
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  for (const mount of mounts) {
    if (mount.split(' ')[4] === namespaceFolder) await runCommand(['umount', namespaceFolder]);
  }
  rmdirSync(namespaceFolder);
}

/** Pids of the processes that use the cluster's network, as the machine numbers them; nodes have networks of their own. */
export function processesInNetwork(paths: ClusterPaths): number[] {
  if (!existsSync(paths.networkNamespace)) return [];
  const namespace = statSync(paths.networkNamespace).ino;
  const pids = readdirSync('/proc').filter(entry => /^\d+$/.test(entry));
  return pids.filter(pid => networkOf(pid) === namespace).map(Number);
}

function networkOf(pid: string): number | undefined {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino;
  } catch {
    return undefined;
  }
}

function nameOf(paths: ClusterPaths): string {
  return paths.networkNamespace.slice(namespaceFolder.length + 1);
}
