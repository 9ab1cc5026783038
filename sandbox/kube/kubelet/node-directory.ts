import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NO_REDIRECT, type RedirectRules, redirectRules } from './nft-rule-set.ts';
import type { NftTable } from './nft-tables.ts';
import { formatTcpTable, type TcpRow } from './proc-net-tcp.ts';

const NFT_MAIN = fileURLToPath(new URL('./nft-main.ts', import.meta.url));

/**
 * The directory that stands for one node's file system: `proc` as the node's processes see it, `bin/nft`, the logs
 * and volumes of its Pods. A hostPath volume is a folder in it.
 */
export class NodeDirectory {
  readonly path: string;
  readonly #rows = new Set<TcpRow>();
  #nextInode = 1;

  /** Makes the directory; what a former node left of processes, sockets and rules is removed. */
  constructor(path: string) {
    this.path = path;
    for (const stale of ['proc', 'nft', 'run']) rmSync(join(path, stale), { recursive: true, force: true });
    for (const folder of ['proc/net', 'nft', 'bin', 'logs', 'volumes', 'run/containerd'])
      mkdirSync(join(path, folder), { recursive: true });
    const state = resolve(path, 'nft/tables.json');
    writeFileSync(join(path, 'bin/nft'), nftScript(state));
    chmodSync(join(path, 'bin/nft'), 0o755);
    this.#writeRows();
  }

  /** Folder of programs that come before those of the machine. */
  get programs(): string {
    return join(this.path, 'bin');
  }

  /** Where the node's container runtime is asked. */
  get runtimeSocket(): string {
    return join(this.path, 'run/containerd/containerd.sock');
  }

  logFile(name: string): string {
    return join(this.path, 'logs', `${name}.log`);
  }

  /** Shows a container's process under `proc`, with its cgroup and the machine's view of its sockets. */
  addProcess(processId: number, podUid: string, containerId: string): void {
    const folder = join(this.path, 'proc', String(processId));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'cgroup'), `0::/kubepods/pod${podUid}/${containerId}\n`);
    symlinkSync(`/proc/${processId}/net`, join(folder, 'net'));
  }

  removeProcess(processId: number): void {
    rmSync(join(this.path, 'proc', String(processId)), { recursive: true, force: true });
  }

  /** Shows a connection in `proc/net/tcp` until the result is called. */
  addConnection(connection: Omit<TcpRow, 'inode'>): () => void {
    const row: TcpRow = { ...connection, inode: this.#nextInode++ };
    this.#rows.add(row);
    this.#writeRows();
    return () => {
      this.#rows.delete(row);
      this.#writeRows();
    };
  }

  /** As nft was told last. */
  redirectRules(): RedirectRules {
    try {
      return redirectRules(JSON.parse(readFileSync(join(this.path, 'nft/tables.json'), 'utf8')) as readonly NftTable[]);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NO_REDIRECT;
      throw error;
    }
  }

  #writeRows(): void {
    const file = join(this.path, 'proc/net/tcp');
    writeFileSync(`${file}.new`, formatTcpTable([...this.#rows]));
    renameSync(`${file}.new`, file);
  }
}

/** A list is printed as it was written down: starting Node for each would cost more than the agents that ask. */
function nftScript(state: string): string {
  return `#!/bin/sh
listing='${state}'".$4.$5"
if [ "$1 $2 $3" = '-j list table' ] && [ -f "$listing" ]; then exec cat "$listing"; fi
exec '${process.execPath}' '${NFT_MAIN}' '${state}' "$@"
`;
}
