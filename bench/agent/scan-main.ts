/**
 * Counts the connections of a Pod that is being drained, as an agent does, and prints how long each count took: by a new
 * source, which has to walk the tables of sockets, and by one that has read before and finds nothing changed.
 */
import { type ProcConnectionsOptions, procConnections } from '../../agent/connections/proc-connections.ts';
import { systemClock } from '../../common/clock.ts';
import type { ScanTask } from './drain-scan.ts';

const { processId, address, port, counts } = JSON.parse(process.argv[2] ?? '') as ScanTask;
const clock = systemClock();
const { signal } = new AbortController();
const query = { podUid: 'pod', addresses: [address], ports: [port], withIdleTimes: false };
const options: ProcConnectionsOptions = {
  procRoot: '/proc',
  clock,
  runtime: { processIds: async () => [processId] },
  idleTimes: undefined,
  onIdleTimesFailed: () => undefined,
};

async function timed(source: ReturnType<typeof procConnections>) {
  const startedAt = clock.now();
  const { length: connections } = await source.read(query, signal);
  return { tookMs: clock.now() - startedAt, connections };
}

const walkMs: number[] = [];
const unchangedMs: number[] = [];
let connections = 0;
for (let count = 0; count < counts; count++) {
  const source = procConnections(options);
  const first = await timed(source);
  connections = first.connections;
  walkMs.push(first.tookMs);
  unchangedMs.push((await timed(source)).tookMs);
}
console.log(JSON.stringify({ connections, walkMs, unchangedMs }));
