import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** For tests and measurements: a process that holds real TCP connections to itself. */
export interface HeldConnections extends AsyncDisposable {
  readonly processId: number;
  /** The local end of the server's connections. */
  readonly address: string;
  readonly port: number;
  /** `answered`: a request was answered on it; `asking`: a request was not; `unused`: nothing was ever sent. */
  open(kind: 'answered' | 'asking' | 'unused', count: number): Promise<void>;
  /** Ends all, from the clients' side. */
  closeAll(): Promise<void>;
}

const FIXTURE = fileURLToPath(new URL('./connection-holder.fixture.ts', import.meta.url));

/** What is missing here for a network namespace of one's own; undefined when nothing is. */
export function missingForNamespace(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root for a network namespace';
  const isMissing = [
    ['ip', '-V'],
    ['unshare', '--net', 'true'],
  ].find(([command = '', ...args]) => spawnSync(command, args).status !== 0);
  return isMissing && `needs a working ${isMissing[0]}`;
}

/** Starts the process. With `address`, it has that one in a network namespace of its own; without, it is on the loopback. */
export async function holdConnections({ address }: { readonly address?: string } = {}): Promise<HeldConnections> {
  const [command = '', ...args] = [
    ...(address === undefined ? [] : ['unshare', '--net']),
    process.execPath,
    FIXTURE,
    ...(address === undefined ? ['127.0.0.1'] : [address, '--own']),
  ];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => String((await lines.next()).value);
  const perform = async (order: string) => {
    child.stdin.write(`${order}\n`);
    await answer();
  };
  return {
    port: Number(await answer()),
    processId: child.pid ?? 0,
    address: address ?? '127.0.0.1',
    open: (kind, count) => perform(`open ${kind} ${count}`),
    closeAll: () => perform('close'),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited;
    },
  };
}
