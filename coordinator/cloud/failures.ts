/** What can go wrong with a call beside what the transport reports. */

/** The reply lacks what the API promises. */
export class MalformedReplyError extends Error {
  override readonly name = 'MalformedReplyError';
}

/** CLB accepted the request, and its asynchronous task ended in failure. */
export class TaskFailedError extends Error {
  override readonly name = 'TaskFailedError';
}

/** The deadline passed while the request waited for the rate limit, so it never left. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError';
}
