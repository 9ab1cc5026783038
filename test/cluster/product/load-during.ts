/** Clients' requests through a virtual address while something happens. */
import { type Clock, sleep } from '../../../common/clock.ts';
import { systemRandom } from '../../../common/random.ts';
import { runLoad } from '../../../sandbox/load/run-load.ts';
import { socketTransport } from '../../../sandbox/load/socket-transport.ts';
import type { LoadReport, Loss } from '../../../sandbox/load/tally.ts';
import { clientAddressPrefix } from './names.ts';

export interface Clients {
  readonly virtualAddress: string;
  /** Last numbers of the clients' addresses, from and to; no other run has them, so its requests can be told apart. */
  readonly clients: readonly [from: number, to: number];
  /** After so many requests, one in half a second, clients give up a kept connection; 0: never. */
  readonly keepAliveRequests: number;
  /** What takes the application long; default: nginx's. */
  readonly longPath?: string;
}

const ratePerSecond = 100;
const keepAliveClients = 12;
const longClients = 6;
const warmUpMs = 2_000;
const afterMs = 1_000;
const durationMaxMs = 600_000;

/** @param isEndedByApplication asked of every loss when all is over */
export async function loadDuring(
  clock: Clock,
  { virtualAddress, clients: [from, to], keepAliveRequests, longPath = '/slow' }: Clients,
  deed: () => Promise<void>,
  isEndedByApplication: (loss: Loss) => boolean = () => false,
): Promise<LoadReport> {
  const stop = new AbortController();
  const options = {
    transport: socketTransport({ host: virtualAddress, port: 80 }),
    clock,
    random: systemRandom(),
    path: '/',
    rate: ratePerSecond,
    durationMs: durationMaxMs,
    clientAddresses: Array.from({ length: to - from + 1 }, (_, index) => `${clientAddressPrefix}${from + index}`),
    keepAliveClients,
    keepAliveGapMaxMs: 1_000,
    keepAliveRequests,
    longClients,
    longPath,
    timeoutMs: 10_000,
    longTimeoutMs: 30_000,
    inFlightMax: 5_000,
    isEndedByApplication,
  };
  const load = runLoad(options, stop.signal);
  try {
    await sleep(clock, warmUpMs, stop.signal);
    await deed();
    await sleep(clock, afterMs, stop.signal);
  } finally {
    stop.abort();
    await load.catch(() => undefined);
  }
  return load;
}
