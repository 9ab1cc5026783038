/**
 * How calls reach the CLB API (version 2018-03-17). Real carrier: the official SDK; in virtual time: the sandbox's
 * handler called in process.
 */
export interface ClbTransport {
  /**
   * Resolves with the inside of `Response`, `RequestId` included.
   * @throws ClbApiError when CLB answered with an error, ClbConnectionError when it is not known what happened,
   * ClbCredentialsError when no key could be had, the signal's reason on abort.
   */
  call(action: string, parameters: object, signal: AbortSignal): Promise<Record<string, unknown>>;
}

/** CLB answered with `Response.Error`. */
export class ClbApiError extends Error {
  override readonly name = 'ClbApiError';
  readonly action: string;
  /** For example `FailedOperation.ResourceInOperating`. */
  readonly code: string;
  readonly requestId: string;
  constructor(action: string, code: string, message: string, requestId: string) {
    super(`${action}: ${code}: ${message}`);
    this.action = action;
    this.code = code;
    this.requestId = requestId;
  }
}

/** Connection refused, timed out, status other than 200, unreadable body: a write may or may not have been done. */
export class ClbConnectionError extends Error {
  override readonly name = 'ClbConnectionError';
  readonly action: string;
  constructor(action: string, message: string, options?: ErrorOptions) {
    super(`${action}: ${message}`, options);
    this.action = action;
  }
}

/** There is no key to sign with, so nothing was sent. */
export class ClbCredentialsError extends Error {
  override readonly name = 'ClbCredentialsError';
}
