import type { ReportRequest, ReportResponse } from '../proto/gen/clbdirect/v1/report.ts';

/**
 * How report streams are carried. Real carrier: grpc-js over TLS; in virtual time: two queues with a latency. Both ends
 * see decoded messages.
 */
export interface ReportChannel<Sent, Received> {
  /**
   * Queues a message, in any case. False when that filled the carrier's buffer: the caller keeps what it wants to say
   * next, merged, and waits for `writable`. Does nothing once the channel is closed.
   */
  send(message: Sent): boolean;
  /** Resolves when `send` may return true again, or the channel is closed. */
  writable(): Promise<void>;
  /** What the other side says, in order. Ends when either side closes; throws ReportChannelError when the stream breaks. */
  received(): AsyncIterable<Received>;
  close(): void;
}

export type AgentChannel = ReportChannel<ReportRequest, ReportResponse>;
export type CoordinatorChannel = ReportChannel<ReportResponse, ReportRequest>;

/** The agent's side. */
export interface ReportConnector {
  /** All addresses the coordinator's name stands for now. @throws ReportChannelError when the name has none. */
  resolve(signal: AbortSignal): Promise<readonly string[]>;
  /** @throws ReportChannelError when refused; `unauthenticated` tells why a token was not taken. */
  connect(address: string, signal: AbortSignal): Promise<AgentChannel>;
}

/** Who is at the other end of a stream, proven by TokenReview (law L12). In virtual time it is simply given. */
export interface AgentIdentity {
  readonly nodeName: string;
  readonly podName: string;
  readonly podUid: string;
}

/** The coordinator's side: called once per authenticated stream; the stream is closed when the promise settles. */
export type ReportHandler = (
  identity: AgentIdentity,
  channel: CoordinatorChannel,
  signal: AbortSignal,
) => Promise<void>;

export class ReportChannelError extends Error {
  override readonly name = 'ReportChannelError';
  readonly kind: 'unavailable' | 'unauthenticated' | 'broken';
  constructor(kind: ReportChannelError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
