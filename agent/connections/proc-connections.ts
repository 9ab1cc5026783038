import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Protocol } from '../../common/pod-record.ts';
import type { RuntimeSource } from '../runtime/source.ts';
import { parseLiveSockets, type SocketRow } from './proc-net.ts';
import type { Connection, ConnectionQuery, ConnectionSource } from './source.ts';

export interface ProcConnectionsOptions {
  /** The host's /proc. */
  readonly procRoot: string;
  readonly runtime: Pick<RuntimeSource, 'processIds'>;
}

/** Reads connections from the socket tables of the Pod's network namespace, through any of its processes. */
export function procConnections({ procRoot, runtime }: ProcConnectionsOptions): ConnectionSource {
  return {
    async read(query, signal) {
      const processIds = await runtime.processIds(query.podUid);
      if (processIds.length === 0) throw new Error(`Pod ${query.podUid} has no process under ${procRoot}`);
      return await readFirst(procRoot, processIds, query, signal);
    },
  };
}

/** A process may end between being found and being read; its namespace lives on in the others. */
async function readFirst(
  procRoot: string,
  processIds: readonly number[],
  query: ConnectionQuery,
  signal: AbortSignal,
): Promise<Connection[]> {
  const failures: unknown[] = [];
  for (const processId of processIds) {
    try {
      return await readNamespace(join(procRoot, String(processId), 'net'), query, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push(error);
    }
  }
  throw new AggregateError(
    failures,
    `no process of Pod ${query.podUid} lets its socket tables be read: ${failures[0]}`,
  );
}

async function readNamespace(folder: string, query: ConnectionQuery, signal: AbortSignal): Promise<Connection[]> {
  const tables = [
    { protocol: Protocol.TCP, file: 'tcp', isOptional: false },
    { protocol: Protocol.TCP, file: 'tcp6', isOptional: true },
    { protocol: Protocol.UDP, file: 'udp', isOptional: true },
    { protocol: Protocol.UDP, file: 'udp6', isOptional: true },
  ].filter(({ protocol }) => query.ports.some(port => port.protocol === protocol));
  const found = await Promise.all(
    tables.map(async ({ protocol, file, isOptional }) => {
      const text = await readTable(join(folder, file), isOptional, signal);
      const rows = parseLiveSockets(
        text,
        query.ports.map(({ port }) => port),
      );
      return selectConnections(rows, protocol, query);
    }),
  );
  return found.flat();
}

/** A kernel without IPv6 has no tcp6. */
async function readTable(path: string, isOptional: boolean, signal: AbortSignal): Promise<string> {
  try {
    return await readFile(path, { encoding: 'latin1', signal });
  } catch (error) {
    if (isOptional && (error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

const NOT_CONNECTED = new Set(['LISTEN', 'TIME_WAIT', 'CLOSE']);

/** The rows that are connections of the Pod: its address and a target port at the local end. */
export function selectConnections(
  rows: readonly SocketRow[],
  protocol: Protocol,
  { addresses, ports }: ConnectionQuery,
): Connection[] {
  return rows
    .filter(({ state }) => !NOT_CONNECTED.has(state))
    .filter(({ localAddress }) => addresses.includes(localAddress))
    .filter(({ localPort }) => ports.some(port => port.port === localPort && port.protocol === protocol))
    .map(({ localPort, remoteAddress, remotePort, state, inode }) => ({
      protocol,
      localPort,
      remoteAddress,
      remotePort,
      state,
      inode,
    }));
}
