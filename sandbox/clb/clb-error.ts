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

/** How an answer comes to nothing. `inside` is what `Response` would have held. */
export type BadReply =
  | { readonly kind: 'none' }
  | { readonly kind: 'html'; readonly status: number }
  | { readonly kind: 'drip' | 'broken'; readonly inside: Record<string, unknown> };

/** The call was carried out, and its answer does not arrive; carriers do what `reply` says. */
export class BadReplyError extends ClbError {
  readonly reply: BadReply;
  constructor(reply: BadReply, requestId: string) {
    super('', messageOf(reply), requestId);
    this.reply = reply;
  }
}

function messageOf(reply: BadReply): string {
  switch (reply.kind) {
    case 'none':
      return 'the connection broke before the answer';
    case 'html':
      return `the answer has status ${reply.status} and is HTML, not JSON`;
    case 'drip':
      return 'the answer does not end';
    case 'broken':
      return 'the connection broke in the middle of the answer';
  }
}
