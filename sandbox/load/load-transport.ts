import type { Response } from './response-parser.ts';

/** How requests are carried. Real carrier: sockets; in virtual time: the data plane called in process. */
export interface LoadTransport {
  /**
   * A new connection, from `localAddress` if one is given.
   * @throws LostError when it cannot be made, the signal's reason on abort.
   */
  open(localAddress: string | undefined, signal: AbortSignal): Promise<LoadConnection>;
}

export interface LoadConnection {
  /** False once either side has closed: then nothing may be sent any more. */
  readonly isOpen: boolean;
  /**
   * One GET and its whole answer; never two at a time.
   * @throws LostError when the answer does not come whole, the signal's reason on abort. Either way it is closed then.
   */
  exchange(path: string, options: ExchangeOptions): Promise<Response>;
  close(): void;
}

export interface ExchangeOptions {
  readonly signal: AbortSignal;
  /** Says to the server that no other request will follow. */
  readonly isLast: boolean;
}

/** Why a request counts as lost. `other` has its reason in the detail. */
export type LossCause = 'refused' | 'reset' | 'timedOut' | 'truncated' | 'status' | 'wrongPod' | 'other';

export class LostError extends Error {
  override readonly name = 'LostError';
  readonly reason: LossCause;
  constructor(reason: LossCause, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
