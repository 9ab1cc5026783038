import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import type { RuntimeSource } from '../runtime/source.ts';
import type { IdleQuery, IdleTimes } from './idle-times.ts';
import { type NamespaceCounters, readNamespaceCounters } from './proc-counters.ts';
import { readSockets } from './proc-sockets.ts';
import type { SocketRow } from './socket-table.ts';
import { type Connection, type ConnectionQuery, type ConnectionSource, connectionKey } from './source.ts';

export interface ProcConnectionsOptions {
  /** The host's /proc. */
  readonly procRoot: string;
  readonly clock: Clock;
  readonly runtime: Pick<RuntimeSource, 'processIds'>;
  /** Undefined where idle times are not to be read. */
  readonly idleTimes: IdleTimes | undefined;
  /** Idle times could not be read; the connections are told without. */
  readonly onIdleTimesFailed: (error: unknown) => void;
}

/**
 * How long a reading may stand in for the next ones while the kernel's counters say that no connection has come or gone.
 * The counters miss only what cancels out, such as a new listener for a connection that ended.
 */
const READING_AGE_MAX_MS = 2_000;

/**
 * Reads connections from the socket tables of the Pod's network namespace, through any of its processes. A walk through a
 * table passes over the sockets of the whole machine (10 ms where it has 262,144 buckets), so none is made of a table that
 * holds no socket of this namespace, nor when nothing has changed since the last one.
 */
export function procConnections(options: ProcConnectionsOptions): ConnectionSource {
  const latest = new LatestReadings(options.clock);
  const { procRoot, runtime } = options;
  return {
    async read(query, signal) {
      if (query.ports.length === 0) return [];
      const processIds = await runtime.processIds(query.podUid);
      if (processIds.length === 0) throw new Error(`Pod ${query.podUid} has no process under ${procRoot}`);
      const { processId, rows } = await readFirst(procRoot, processIds, query, latest, signal);
      const connections = selectConnections(rows, query);
      if (!query.withIdleTimes || connections.length === 0) return connections;
      return addIdleTimes(connections, await readIdleTimes(options, { processId, ports: query.ports }, signal));
    },
  };
}

async function readIdleTimes(
  { idleTimes, onIdleTimesFailed }: ProcConnectionsOptions,
  query: IdleQuery,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  try {
    return (await idleTimes?.read(query, signal)) ?? new Map();
  } catch (error) {
    signal.throwIfAborted();
    onIdleTimesFailed(error);
    return new Map();
  }
}

interface NamespaceReading {
  readonly processId: number;
  readonly rows: readonly SocketRow[];
}

/** A process may end between being found and being read; its namespace lives on in the others. */
async function readFirst(
  procRoot: string,
  processIds: readonly number[],
  query: ConnectionQuery,
  latest: LatestReadings,
  signal: AbortSignal,
): Promise<NamespaceReading> {
  const failures: unknown[] = [];
  for (const processId of processIds) {
    try {
      const folder = join(procRoot, String(processId), 'net');
      return { processId, rows: await readNamespace(folder, query, latest, signal) };
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

async function readNamespace(
  folder: string,
  query: ConnectionQuery,
  latest: LatestReadings,
  signal: AbortSignal,
): Promise<readonly SocketRow[]> {
  const counters = await readNamespaceCounters(folder, signal);
  const subject = `${folder} ${query.ports.join(' ')} ${counters?.fingerprint}`;
  const known = counters && latest.of(query.podUid, subject);
  if (known) return known;
  const rows = await readTables(folder, query.ports, counters, signal);
  latest.keep(query.podUid, subject, rows);
  return rows;
}

async function readTables(
  folder: string,
  ports: readonly number[],
  counters: NamespaceCounters | undefined,
  signal: AbortSignal,
): Promise<readonly SocketRow[]> {
  const tables = await Promise.all([
    counters?.hasIpv4Sockets === false ? [] : readSockets(join(folder, 'tcp'), ports, signal),
    counters?.hasIpv6Sockets === false ? [] : readSockets(join(folder, 'tcp6'), ports, signal).catch(noneIfMissing),
  ]);
  return tables.flat();
}

/** A kernel without IPv6 has no tcp6. */
function noneIfMissing(error: unknown): [] {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
  throw error;
}

interface Kept {
  readonly subject: string;
  readonly rows: readonly SocketRow[];
  readonly readAt: number;
}

/** The latest reading of each Pod, as long as it may stand in for another. */
class LatestReadings {
  readonly #clock: Clock;
  /** By Pod UID, the oldest first: those too old to be of use are dropped whenever another is kept. */
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rows of this Pod read not long ago when `subject` was the same. */
  of(podUid: string, subject: string): readonly SocketRow[] | undefined {
    const kept = this.#kept.get(podUid);
    return kept?.subject === subject && this.#isFresh(kept) ? kept.rows : undefined;
  }

  keep(podUid: string, subject: string, rows: readonly SocketRow[]): void {
    this.#kept.delete(podUid);
    this.#kept.set(podUid, { subject, rows, readAt: this.#clock.now() });
    for (const [uid, kept] of this.#kept) {
      if (this.#isFresh(kept)) return;
      this.#kept.delete(uid);
    }
  }

  #isFresh({ readAt }: Kept): boolean {
    return this.#clock.now() - readAt < READING_AGE_MAX_MS;
  }
}

const NOT_CONNECTED = new Set(['LISTEN', 'TIME_WAIT', 'CLOSE']);

/** The rows that are connections of the Pod: its address and a target port at the local end. */
function selectConnections(
  rows: readonly SocketRow[],
  { addresses, ports }: Pick<ConnectionQuery, 'addresses' | 'ports'>,
): Connection[] {
  return rows
    .filter(({ state }) => !NOT_CONNECTED.has(state))
    .filter(({ localAddress, localPort }) => addresses.includes(localAddress) && ports.includes(localPort))
    .map(({ localPort, remoteAddress, remotePort, state, inode }) => ({
      localPort,
      remoteAddress,
      remotePort,
      state,
      inode,
    }));
}

function addIdleTimes(connections: readonly Connection[], idleTimes: ReadonlyMap<string, number>): Connection[] {
  return connections.map(connection => {
    const idleMs = idleTimes.get(connectionKey(connection));
    return idleMs === undefined ? connection : { ...connection, idleMs };
  });
}
