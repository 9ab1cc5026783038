/** What a call to the stand-in fails with: `Response.Error` of the real API, with the request's id. */
export class ClbError extends Error {
  override readonly name = 'ClbError';
  /** For example `FailedOperation.ResourceInOperating`; empty when the connection broke and no answer came. */
  readonly code: string;
  /** Empty until the server has answered; it is set once, by the server. */
  readonly requestId: string;
  constructor(code: string, message: string, requestId = '') {
    super(message);
    this.code = code;
    this.requestId = requestId;
  }

  withRequestId(requestId: string): ClbError {
    return new ClbError(this.code, this.message, requestId);
  }
}
