import { HOOK_PORT } from '../../common/names.ts';
import type { SocketRow } from '../connections/socket-table.ts';

export interface HookCaller {
  /** As the server sees the other end of the connection. */
  readonly sourceAddress: string;
  readonly sourcePort: number;
  /** The Pod that the call names in its Host header. */
  readonly podAddress: string;
}

/**
 * Whether the call is what it claims to be: a connection of root on this node to the named Pod's hook port. The caller's
 * own socket still shows that destination after the redirect; that of a direct call shows the agent's port.
 */
export function isKubeletCall(nodeSockets: readonly SocketRow[], caller: HookCaller): boolean {
  return nodeSockets.some(
    row =>
      row.localAddress === caller.sourceAddress &&
      row.localPort === caller.sourcePort &&
      row.remoteAddress === caller.podAddress &&
      row.remotePort === HOOK_PORT &&
      row.uid === 0,
  );
}
