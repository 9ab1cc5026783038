import type { SocketRow } from '../connections/socket-table.ts';

export interface HookCaller {
  /** Of the other end of the connection, as the server sees it. */
  readonly sourcePort: number;
  /** Where the call says it was made to. */
  readonly calledAddress: string;
  readonly calledPort: number;
}

/**
 * Whether the call is what it claims to be: a connection of root on this node to the hook port of that address. The
 * caller's own socket still shows this destination after the redirect; that of a direct call shows the agent's port. Its
 * address is not compared: where the node's network masquerades, the server sees another one.
 */
export function isKubeletCall(nodeSockets: readonly SocketRow[], caller: HookCaller): boolean {
  return nodeSockets.some(
    row =>
      row.localPort === caller.sourcePort &&
      row.remoteAddress === caller.calledAddress &&
      row.remotePort === caller.calledPort &&
      row.uid === 0,
  );
}
