/**
 * What a node's own processes reach: Pods, and through the node's redirect rule the agent. Carriers: sockets
 * (redirecting-network.ts) and models in virtual time (modelled-network.ts).
 */
export interface NodeNetwork {
  /** Resolves with any answer, whatever its status. @throws NodeNetworkError */
  httpGet(request: NodeHttpGet, signal: AbortSignal): Promise<{ readonly status: number }>;
  /** Resolves when a connection was made; it is closed again. @throws NodeNetworkError */
  connect(request: NodeConnect, signal: AbortSignal): Promise<void>;
}

export interface NodeConnect {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

export interface NodeHttpGet extends NodeConnect {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Refused, reset, timed out or not HTTP; the message says which and where. */
export class NodeNetworkError extends Error {
  override readonly name = 'NodeNetworkError';
}
