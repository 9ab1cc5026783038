import type { Connection } from '../connections/source.ts';

export interface ProbeSources {
  /** Addresses of the node itself: the kubelet's probes. */
  readonly nodeAddresses: readonly string[];
  /** VIPs of the layer 4 rules that hold the Pod; empty when only layer 7 rules do, where clients come from there too. */
  readonly virtualAddresses: readonly string[];
}

/** Who is at the other end: a client, a health check of the load balancer, or the node itself. */
export const PEER_KINDS = ['client', 'probe', 'node'] as const;
export type PeerKind = (typeof PEER_KINDS)[number];

/**
 * The connections that are not yet dead, by who is at the other end. A drain waits for those of clients. Layer 4 keeps the
 * client's address.
 */
export function liveConnections(
  connections: readonly Connection[],
  probes: ProbeSources,
): Readonly<Record<PeerKind, readonly Connection[]>> {
  const live: Record<PeerKind, Connection[]> = { client: [], probe: [], node: [] };
  for (const connection of connections) {
    if (isLive(connection)) live[peerKind(connection, probes)].push(connection);
  }
  return live;
}

/** A server that has closed still sends its last bytes in FIN_WAIT1; an orphan in FIN_WAIT2 has nothing more to say. */
function isLive({ state, inode }: Connection): boolean {
  if (state === 'LISTEN' || state === 'TIME_WAIT' || state === 'CLOSE') return false;
  return !(state === 'FIN_WAIT2' && inode === 0);
}

function peerKind({ remoteAddress }: Connection, { nodeAddresses, virtualAddresses }: ProbeSources): PeerKind {
  if (nodeAddresses.includes(remoteAddress)) return 'node';
  if (virtualAddresses.length === 0) return 'client';
  return virtualAddresses.includes(remoteAddress) || isSharedAddressSpace(remoteAddress) ? 'probe' : 'client';
}

/** 100.64.0.0/10 (RFC 6598), from which CLB probes. */
function isSharedAddressSpace(address: string): boolean {
  const [first, second] = address.split('.').map(Number);
  return first === 100 && second !== undefined && second >= 64 && second < 128;
}
