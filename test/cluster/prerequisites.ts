import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { missingModules } from './build.ts';
import type { ClusterSettings } from './settings.ts';

/** Where Debian's containernetworking-plugins puts them. */
export const networkPluginFolder = '/usr/lib/cni';

const commands = [
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
  'ip',
  'ldd',
  'nft',
  'nginx',
  'nsenter',
  'runc',
  'sysctl',
  'tar',
  'unshare',
];
const files = ['bridge', 'host-local', 'loopback'].map(plugin => join(networkPluginFolder, plugin));

/** What keeps a cluster from starting here, in one line; undefined when nothing does. */
export function missingPrerequisites(settings: ClusterSettings): string | undefined {
  if (process.platform !== 'linux') return `the cluster needs Linux; this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'the cluster needs root (namespaces, mounts, cgroups); run it as root';
  const missing = commands.filter(command => !isInPath(command)).concat(files.filter(file => !existsSync(file)));
  if (missing.length > 0) {
    return `missing: ${missing.join(', ')}; on Debian: apt-get install --no-install-recommends $(cat test/cluster/packages.txt)`;
  }
  const unbuilt = missingModules(settings);
  if (unbuilt.length > 0 && !isInPath('go')) {
    return `missing: go, to build ${unbuilt.join(', ')} into ${settings.cacheFolder}; see https://go.dev/dl/`;
  }
  return undefined;
}

function isInPath(command: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin', '/sbin');
  return folders.some(folder => isExecutable(join(folder, command)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
