import { ANSWERED } from './answered-errors.ts';
import type { CloudErrorEntry } from './error-entry.ts';

export type { CloudErrorEntry };

/** The closed table of what can go wrong with the cloud; answered-errors.ts alone knows CLB's own codes. */

export const UNKNOWN_CODE: CloudErrorEntry = {
  code: 'CD2039',
  class: 'retryable',
  blames: 'items',
  outcomeUnknown: true,
  meaning: 'CLB answered with a code that clb-direct does not know.',
  cause: 'The API has changed.',
  fix: 'Read the message, and please report the code as a bug.',
};

export const NO_ANSWER: CloudErrorEntry = {
  code: 'CD2040',
  class: 'retryable',
  blames: 'account',
  outcomeUnknown: true,
  meaning: 'CLB could not be reached, or the connection broke before it answered.',
  cause:
    'The name does not resolve, nobody listens there, a network policy is in between, or the answer was no API answer.',
  fix: "Check --clb-endpoint and the network from the coordinator's node to it (TCP 443).",
};

export const TOO_LATE: CloudErrorEntry = {
  code: 'CD2041',
  class: 'retryable',
  blames: 'load-balancer',
  outcomeUnknown: true,
  meaning: 'CLB did not answer, or did not finish the task, in time.',
  cause: 'CLB is slow or the network loses packets.',
  fix: 'Nothing to do, the state is read and the request repeated.',
};

export const MALFORMED: CloudErrorEntry = {
  code: 'CD2042',
  class: 'retryable',
  blames: 'account',
  outcomeUnknown: true,
  meaning: 'The answer is not what the API promises.',
  cause: '--clb-endpoint leads to something else, or the API has changed.',
  fix: 'Check --clb-endpoint, and please report the message as a bug.',
};

export const NO_KEY: CloudErrorEntry = {
  code: 'CD2043',
  class: 'retryable',
  blames: 'account',
  meaning: 'There is no key to sign requests with.',
  cause: 'No key in the environment, and neither TKE Pod identity nor a CVM role gave one.',
  fix: 'Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY (chart: cloud.credentials.existingSecret), or bind a role.',
};

export const TASK_FAILED: CloudErrorEntry = {
  code: 'CD2044',
  class: 'retryable',
  blames: 'items',
  outcomeUnknown: true,
  meaning: 'CLB took the request, but its task failed.',
  cause: 'See the message.',
  fix: 'Nothing to do, the state is read and the request repeated. If it goes on, open a ticket with the request id.',
};

export const NOT_SENT: CloudErrorEntry = {
  code: 'CD2045',
  class: 'throttled',
  blames: 'account',
  meaning: 'The request was not sent, because too many wait for the rate limit already.',
  cause: 'More changes than CLB takes per second.',
  fix: 'Nothing to do, it is repeated. If it goes on, spread the Services over fewer load balancers.',
};

export const LISTENER_FAILED: CloudErrorEntry = {
  code: 'CD2046',
  class: 'retryable',
  blames: 'items',
  outcomeUnknown: true,
  notFound: true,
  meaning: 'CLB took a batch, but failed for some of its listeners.',
  cause:
    'A target that CLB does not take, or a listener that is being changed or was deleted. CLB names the listener, not the target.',
  fix: 'Nothing to do, those listeners are read and their targets tried again, in the end one by one.',
};

export const NOTHING_HAPPENED: CloudErrorEntry = {
  code: 'CD2047',
  class: 'retryable',
  blames: 'items',
  meaning: 'CLB reported success several times, but nothing has changed.',
  cause: 'CLB is slow or overloaded, or another program undoes the change.',
  fix: 'It is repeated, ever more rarely. If it goes on, look for a second controller, then open a ticket.',
};

/** What calls end in, in the order of docs/errors.md. */
export const CALL_ERRORS: readonly CloudErrorEntry[] = [
  ...ANSWERED,
  UNKNOWN_CODE,
  NO_ANSWER,
  TOO_LATE,
  MALFORMED,
  NO_KEY,
  TASK_FAILED,
  NOT_SENT,
];

/** Every entry, in the order of docs/errors.md. */
export const CLOUD_ERRORS: readonly CloudErrorEntry[] = [...CALL_ERRORS, LISTENER_FAILED, NOTHING_HAPPENED];
