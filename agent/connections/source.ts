/** TCP connections on a Pod's target ports, read from its network namespace. */
export interface ConnectionSource {
  /**
   * All sockets whose local end is one of `addresses` and `ports`, LISTEN, TIME_WAIT and CLOSE left out.
   * @throws Error if unreadable, or the signal's reason.
   */
  read(query: ConnectionQuery, signal: AbortSignal): Promise<readonly Connection[]>;
}

export interface ConnectionQuery {
  readonly podUid: string;
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  /** Asks for `idleMs` too, which costs more. */
  readonly withIdleTimes: boolean;
}

export interface Connection {
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** As the kernel names it: ESTABLISHED, FIN_WAIT1, CLOSE_WAIT … */
  readonly state: string;
  /** Of orphaned FIN_WAIT2 there is no owner left: inode 0. */
  readonly inode: number;
  /**
   * For how long no data has come or gone with nothing left to answer; 0 while a request may be in flight. Missing when it
   * was not asked for or cannot be known.
   */
  readonly idleMs?: number;
}

/** Names a connection while it lives. */
export function connectionKey({ localPort, remoteAddress, remotePort }: Omit<Connection, 'state' | 'inode'>): string {
  return `${localPort} ${remoteAddress} ${remotePort}`;
}
