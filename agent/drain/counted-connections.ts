import { Protocol } from '../../common/pod-record.ts';
import type { Connection } from '../connections/source.ts';

export interface ProbeSources {
  /** Addresses of the node itself: the kubelet's probes. */
  readonly nodeAddresses: readonly string[];
  /** VIPs of the layer 4 rules that hold the Pod; empty when only layer 7 rules do, where clients come from there too. */
  readonly virtualAddresses: readonly string[];
}

/** The connections that a drain waits for: TCP, not yet dead, and no health check. Layer 4 keeps the client's address. */
export function countedConnections(connections: readonly Connection[], probes: ProbeSources): readonly Connection[] {
  return connections.filter(
    connection => connection.protocol === Protocol.TCP && isLive(connection) && !isProbe(connection, probes),
  );
}

/** Names a connection while it lives. */
export function connectionKey({ localPort, remoteAddress, remotePort }: Connection): string {
  return `${localPort} ${remoteAddress} ${remotePort}`;
}

/** A server that has closed still sends its last bytes in FIN_WAIT1; an orphan in FIN_WAIT2 has nothing more to say. */
function isLive({ state, inode }: Connection): boolean {
  if (state === 'LISTEN' || state === 'TIME_WAIT' || state === 'CLOSE') return false;
  return !(state === 'FIN_WAIT2' && inode === 0);
}

function isProbe({ remoteAddress }: Connection, { nodeAddresses, virtualAddresses }: ProbeSources): boolean {
  if (nodeAddresses.includes(remoteAddress)) return true;
  if (virtualAddresses.length === 0) return false;
  return virtualAddresses.includes(remoteAddress) || isSharedAddressSpace(remoteAddress);
}

/** 100.64.0.0/10 (RFC 6598), from which CLB probes. */
function isSharedAddressSpace(address: string): boolean {
  const [first, second] = address.split('.').map(Number);
  return first === 100 && second !== undefined && second >= 64 && second < 128;
}
