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

/** What TCP_INFO and the queues tell of one connection. The times are in the kernel's ticks of 1 to 10 ms. */
export interface TcpActivity {
  /** Bytes that the application has not read, and that the peer has not acknowledged. */
  readonly receiveQueueBytes: number;
  readonly sendQueueBytes: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Since data went or came last, else since the connection was opened. */
  readonly sentAgoMs: number;
  readonly receivedAgoMs: number;
  /** Since the peer last said anything, if only that it had received something. */
  readonly heardAgoMs: number;
}

/** A connection is idle when everything is delivered and the last word was ours, or the peer has never said one. */
export function idleMs(activity: TcpActivity): number {
  const { receiveQueueBytes, sendQueueBytes, receivedBytes, sentAgoMs, receivedAgoMs } = activity;
  if (receiveQueueBytes > 0 || sendQueueBytes > 0) return 0;
  if (receivedBytes === 0) return Math.min(sentAgoMs, receivedAgoMs);
  return isAnswered(activity) ? sentAgoMs : 0;
}

/**
 * Data that came and went in one tick may be a request and its answer, or an answer and the next request. An answer is
 * acknowledged by itself, later; a request that follows it carries the acknowledgement. In doubt the request is in flight.
 */
function isAnswered({ sentBytes, sentAgoMs, receivedAgoMs, heardAgoMs }: TcpActivity): boolean {
  if (sentAgoMs !== receivedAgoMs) return sentAgoMs < receivedAgoMs;
  return sentBytes > 0 && heardAgoMs < receivedAgoMs;
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
      receivedBytes: fieldOf(line, 'bytes_received'),
      sentBytes: fieldOf(line, 'bytes_sent'),
      sentAgoMs: fieldOf(line, 'lastsnd'),
      receivedAgoMs: fieldOf(line, 'lastrcv'),
      heardAgoMs: fieldOf(line, 'lastack'),
    };
    const end = { localPort: Number(localPort), remoteAddress: plain(remoteAddress), remotePort: Number(remotePort) };
    found.set(connectionKey(end), idleMs(activity));
  }
  return found;
}

/** State, receive queue, send queue, local end, remote end. */
const LINE = /^\S+ +(\d+) +(\d+) +\S+:(\d+) +(\S+):(\d+) /;

/** ss leaves out what is 0. */
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
