import { connectionKey } from './source.ts';

/** Tells how long connections have been idle. */
export interface IdleTimes {
  /**
   * By `connectionKey`, for the sockets of the process's network namespace on these local ports; see `Connection.idleMs`.
   * @throws Error if unreadable, or the signal's reason.
   */
  read(query: IdleQuery, signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
}

export interface IdleQuery {
  /** Any process of the namespace, in the host's /proc. */
  readonly processId: number;
  readonly ports: readonly number[];
}

/** What TCP_INFO and the queues tell of one connection. */
export interface TcpActivity {
  /** Bytes that the application has not read, and that the peer has not acknowledged. */
  readonly receiveQueueBytes: number;
  readonly sendQueueBytes: number;
  readonly sentAgoMs: number;
  readonly receivedAgoMs: number;
}

/**
 * A connection is idle when its last word was ours, and everything is delivered: then the peer waits for nothing. A word of
 * ours in the same tick as the peer's last one is taken for the answer to it. (Fast answers look like that, and a connection
 * that was never used.)
 */
export function idleMs(activity: TcpActivity): number {
  const { receiveQueueBytes, sendQueueBytes, sentAgoMs, receivedAgoMs } = activity;
  const isDelivered = receiveQueueBytes === 0 && sendQueueBytes === 0;
  return isDelivered && sentAgoMs <= receivedAgoMs ? sentAgoMs : 0;
}

/** Takes apart what `ss -tinHO` (iproute2) prints: one line for each socket; lines of another form are left out. */
export function parseSocketStatistics(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, receiveQueue, sendQueue, localPort, remoteAddress, remotePort] = LINE.exec(line) ?? [];
    if (remoteAddress === undefined) continue;
    const activity = {
      receiveQueueBytes: Number(receiveQueue),
      sendQueueBytes: Number(sendQueue),
      sentAgoMs: fieldOf(line, 'lastsnd'),
      receivedAgoMs: fieldOf(line, 'lastrcv'),
    };
    const end = { localPort: Number(localPort), remoteAddress: plain(remoteAddress), remotePort: Number(remotePort) };
    found.set(connectionKey(end), idleMs(activity));
  }
  return found;
}

/** State, receive queue, send queue, local end, remote end. */
const LINE = /^\S+ +(\d+) +(\d+) +\S+:(\d+) +(\S+):(\d+) /;

/** ss leaves out a time of 0. */
function fieldOf(line: string, name: string): number {
  return Number(new RegExp(` ${name}:(\\d+)`).exec(line)?.[1] ?? 0);
}

/** `[::ffff:192.0.2.1]` is the IPv4 address; a scope (`%eth0`) is no part of an address. */
function plain(address: string): string {
  return address
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/, '');
}
