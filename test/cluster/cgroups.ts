import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterSettings } from './settings.ts';

const root = '/sys/fs/cgroup';

/**
 * Four times what each process of the control plane and each kubelet has: this is for all Pods of a node together. With one
 * share the Pods of three clusters stood still for ten seconds while others were started.
 */
const podShares: Readonly<Record<string, number>> = { 'cpu.shares': 4 * 1_024, 'cpu.weight': 4 * 100 };

/** The node's own subtree in every hierarchy; the kubelet's `cgroupRoot` without the leading slash. */
export function nodeCgroup(settings: ClusterSettings, node: string): string {
  return `${settings.name}-${node}`;
}

/** Makes the node's subtree; the kubelet wants it to be there, with processors assigned, before it starts. */
export function createNodeCgroups(settings: ClusterSettings, node: string): void {
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, nodeCgroup(settings, node));
    mkdirSync(folder, { recursive: true });
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (!isUnified() && existsSync(join(folder, file))) {
        writeFileSync(join(folder, file), readFileSync(join(hierarchy, file), 'utf8'));
      }
    }
    for (const [file, share] of Object.entries(podShares)) {
      if (existsSync(join(folder, file))) writeFileSync(join(folder, file), String(share));
    }
  }
}

/** Removes the node's subtree. False: some of it still has a process. */
export function removeNodeCgroups(settings: ClusterSettings, node: string): boolean {
  const folders = hierarchies().map(hierarchy => join(hierarchy, nodeCgroup(settings, node)));
  return folders.map(removeTree).every(removed => removed);
}

/** The settings' subtrees that are there now. */
export function remainingCgroups(settings: ClusterSettings): string[] {
  return hierarchies().flatMap(hierarchy =>
    readdirSync(hierarchy)
      .filter(entry => entry.startsWith(`${settings.name}-node`))
      .map(entry => join(hierarchy, entry)),
  );
}

function removeTree(folder: string): boolean {
  if (!existsSync(folder)) return true;
  const entries = readdirSync(folder, { withFileTypes: true });
  const children = entries.filter(entry => entry.isDirectory()).map(entry => removeTree(join(folder, entry.name)));
  if (!children.every(removed => removed)) return false;
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

function isUnified(): boolean {
  return existsSync(join(root, 'cgroup.controllers'));
}

function hierarchies(): string[] {
  if (isUnified()) return [root];
  const entries = readdirSync(root, { withFileTypes: true });
  return entries.filter(entry => entry.isDirectory()).map(entry => join(root, entry.name));
}
