import type { Protocol } from '../../common/pod-record.ts';

/** Connections on a Pod's target ports, read from its network namespace. */
export interface ConnectionSource {
  /** All sockets whose local port is one of `ports`, LISTEN, TIME_WAIT and CLOSE left out. @throws Error if unreadable. */
  read(query: ConnectionQuery, signal: AbortSignal): Promise<readonly Connection[]>;
}

export interface ConnectionQuery {
  readonly podUid: string;
  readonly addresses: readonly string[];
  readonly ports: readonly { readonly port: number; readonly protocol: Protocol }[];
}

export interface Connection {
  readonly protocol: Protocol;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** As the kernel names it: ESTABLISHED, FIN_WAIT1, CLOSE_WAIT … */
  readonly state: string;
  /** Of orphaned FIN_WAIT2 there is no owner left: inode 0. */
  readonly inode: number;
}
