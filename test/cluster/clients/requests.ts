/** Clients that send requests to a virtual address until they are told to stop. */
import type { Clock } from '../../../common/clock.ts';
import { systemRandom } from '../../../common/random.ts';
import { runLoad } from '../../../sandbox/load/run-load.ts';
import { socketTransport } from '../../../sandbox/load/socket-transport.ts';
import type { LoadReport } from '../../../sandbox/load/tally.ts';
import { clientAddressPrefix } from '../product/names.ts';

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
const durationMaxMs = 600_000;

export function sendRequests(
  clock: Clock,
  { virtualAddress, clients: [from, to], keepAliveRequests, longPath = '/slow' }: Clients,
  signal: AbortSignal,
): Promise<LoadReport> {
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
  };
  return runLoad(options, signal);
}
