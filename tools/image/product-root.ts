import { accessSync, constants, cpSync, existsSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { writeProductFiles } from './product-files.ts';
import { beginRootFolder, copyProgram } from './root-folder.ts';

/** The Debian package of each program that the processes call. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  // Process 1.
  tini: 'tini',
  // Redirects preStop calls; iptables where kube-proxy's rules are in the way of nft.
  nft: 'nftables',
  ...Object.fromEntries(
    ['iptables', 'ip6tables'].flatMap(family =>
      ['nft', 'nft-restore', 'legacy', 'legacy-restore'].map(variant => [`${family}-${variant}`, 'iptables']),
    ),
  ),
  // Idle connections.
  ss: 'iproute2',
  nsenter: 'util-linux',
  // Probes of the agent.
  curl: 'curl',
  sh: 'dash',
  // Of the Pod that has cleaned its node.
  sleep: 'coreutils',
};
/** Loaded by iptables for what a rule names. */
const XTABLES = '/usr/lib/x86_64-linux-gnu/xtables';

/**
 * Puts together what the image holds, of this machine's own programs (Debian, x64) and the bundles.
 * @throws Error that names the packages that are missing
 */
export async function makeProductRoot(rootFolder: string): Promise<void> {
  const found = Object.entries(PROGRAMS).map(([name, debianPackage]) => ({ name, debianPackage, path: pathOf(name) }));
  const missing = found.filter(({ path }) => path === undefined).map(({ debianPackage }) => debianPackage);
  if (missing.length > 0) throw new Error(`missing here: apt-get install ${[...new Set(missing)].join(' ')}`);
  beginRootFolder(rootFolder);
  symlinkSync('usr/bin', join(rootFolder, 'bin'));
  for (const { name, path = '' } of found) await copyProgram(rootFolder, path, `/usr/bin/${name}`);
  await copyProgram(rootFolder, process.execPath, '/usr/local/bin/node');
  if (existsSync(XTABLES)) cpSync(XTABLES, join(rootFolder, XTABLES), { recursive: true });
  await writeProductFiles(rootFolder);
}

function pathOf(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin', '/sbin');
  return folders.map(folder => join(folder, program)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
