import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import type { InstanceNames } from '../../common/instance-names.ts';
import type { RunCommand } from './command-process.ts';
import type { NodeFirewall } from './redirect-choice.ts';

/** What this node has to redirect with. */
export async function nodeFirewall({
  procRoot,
  nftCommand,
  names,
  run,
}: {
  readonly procRoot: string;
  readonly nftCommand: string;
  readonly names: InstanceNames;
  readonly run: RunCommand;
}): Promise<NodeFirewall> {
  // Missing where iptables-legacy was never used.
  const legacyTables = await readFile(join(procRoot, 'net', 'ip_tables_names'), 'utf8').catch(() => '');
  return { run, nftCommand, names, kernelRelease: release(), legacyTables };
}
