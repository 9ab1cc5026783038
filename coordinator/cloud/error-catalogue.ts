import type { CloudError } from './types.ts';

/** One line of docs/errors.md. Codes are stable: none is ever given another meaning. */
export interface CloudErrorEntry {
  readonly code: `CD2${string}`;
  readonly class: CloudError['class'];
  readonly blames: CloudError['blames'];
  /** The answers of CLB that it stands for. */
  readonly matches?: readonly AnswerPattern[];
  /** A write that ended so may have been done all the same. */
  readonly outcomeUnknown?: true;
  readonly notFound?: true;
  readonly meaning: string;
  readonly cause: string;
  readonly fix: string;
}

export interface AnswerPattern {
  /** Each stands for itself and for everything below it (`X` also for `X.Y`). */
  readonly cloudCodes: readonly string[];
  /** When given, the message must match too. */
  readonly text?: RegExp;
}

/** Codes under which CLB was seen to say in words alone that something is gone. */
const ANY_REFUSAL = ['InvalidParameter', 'InvalidParameterValue', 'ResourceNotFound', 'FailedOperation'];

/** Errors that CLB answers with. Order matters: the first entry that fits is taken. */
export const ANSWERED: readonly CloudErrorEntry[] = [
  {
    code: 'CD2001',
    class: 'throttled',
    blames: 'account',
    matches: [{ cloudCodes: ['RequestLimitExceeded'] }],
    meaning: 'CLB refused a request because the account is over the rate of the action.',
    cause:
      'Other programs call CLB in the same account and region, or the account has a lower limit than 20 per second.',
    fix: 'Nothing to do, it is repeated. If it goes on, find the other caller or ask Tencent Cloud for a higher rate.',
  },
  {
    code: 'CD2002',
    class: 'busy',
    blames: 'load-balancer',
    matches: [
      { cloudCodes: ['FailedOperation.ResourceInOperating'] },
      // Older forms of "busy" arrive under the plain code.
      { cloudCodes: ['FailedOperation'], text: /working|try later|in operating|not in normal|being processed/i },
    ],
    meaning: 'The load balancer works on another task.',
    cause: 'CLB takes one write per load balancer at a time and stays busy for a while after a large one.',
    fix: 'Nothing to do, it is repeated. If it goes on, look for a second controller that writes to the load balancer.',
  },
  {
    code: 'CD2011',
    class: 'terminal',
    blames: 'load-balancer',
    matches: [
      { cloudCodes: ['InvalidParameter.LBIdNotFound'] },
      { cloudCodes: ANY_REFUSAL, text: /\b(LB|load ?balancer)\b.*not exist/i },
    ],
    notFound: true,
    meaning: 'The load balancer does not exist.',
    cause: 'It was deleted, or its id is mistyped or belongs to another region or account.',
    fix: 'Correct the id in the annotation service.kubernetes.io/tke-existed-lbid, or remove it to have one created.',
  },
  {
    code: 'CD2012',
    class: 'terminal',
    blames: 'items',
    matches: [
      {
        cloudCodes: [
          'InvalidParameter.ListenerIdNotFound',
          'InvalidParameter.LocationNotFound',
          'FailedOperation.NoListenerInLB',
        ],
      },
      { cloudCodes: ANY_REFUSAL, text: /\b(listener|location|rule)\w*\b.*not (exist|found)/i },
    ],
    notFound: true,
    meaning: 'The listener or rule does not exist.',
    cause: 'Somebody deleted it outside the cluster.',
    fix: 'Nothing to do, it is made again. If it goes on, look for a second controller that deletes it.',
  },
  {
    code: 'CD2013',
    class: 'terminal',
    blames: 'items',
    matches: [
      { cloudCodes: ['ResourceNotFound'] },
      { cloudCodes: ['InvalidParameter', 'InvalidParameterValue'], text: /not exist|not found/i },
    ],
    notFound: true,
    meaning: 'Something the request names does not exist.',
    cause: 'A subnet, certificate, security group or other resource was deleted, or its id is mistyped.',
    fix: 'Correct the id that the message names.',
  },
  {
    code: 'CD2014',
    class: 'terminal',
    blames: 'items',
    matches: [{ cloudCodes: ['LimitExceeded'] }],
    meaning: 'A CLB quota is used up.',
    cause: 'Too many load balancers, listeners, rules, or targets on one listener.',
    fix: 'Remove what is not needed, spread the Service over several load balancers, or ask Tencent Cloud for a higher quota.',
  },
  {
    code: 'CD2015',
    class: 'terminal',
    blames: 'items',
    matches: [{ cloudCodes: ['ResourceInsufficient', 'ResourcesSoldOut'] }],
    meaning: 'Tencent Cloud has no stock for the request.',
    cause: 'The zone, the address pool or the subnet has nothing left.',
    fix: 'Choose another zone or subnet, or wait.',
  },
  {
    code: 'CD2016',
    class: 'terminal',
    blames: 'account',
    matches: [{ cloudCodes: ['FailedOperation.InsufficientBalance'] }],
    meaning: 'The account has no money left.',
    cause: 'The balance does not cover a new load balancer.',
    fix: 'Top up the account.',
  },
  {
    code: 'CD2017',
    class: 'terminal',
    blames: 'items',
    matches: [{ cloudCodes: ['InvalidParameter.PortCheckFailed', 'InvalidParameter.ProtocolCheckFailed'] }],
    meaning: 'CLB refused the port or protocol.',
    cause: 'Another listener holds the port, or the platform reserves it.',
    fix: 'Use another port in the Service, or delete the listener that holds it.',
  },
  {
    code: 'CD2018',
    class: 'terminal',
    blames: 'account',
    matches: [{ cloudCodes: ['InvalidParameter.RegionNotFound', 'UnsupportedRegion'] }],
    meaning: 'CLB does not know the region.',
    cause: 'The flag --region is mistyped, or the endpoint belongs to another site.',
    fix: 'Correct --region (for example ap-guangzhou) or --clb-endpoint.',
  },
  {
    code: 'CD2019',
    class: 'terminal',
    blames: 'load-balancer',
    matches: [{ cloudCodes: ['InvalidParameter.ClientTokenLimitExceeded'] }],
    meaning: 'CLB refused the token that makes a creation repeatable.',
    cause: 'The same token was used for a different request.',
    fix: 'Delete and create the Service again, so that it gets another token.',
  },
  {
    code: 'CD2020',
    class: 'terminal',
    blames: 'items',
    matches: [{ cloudCodes: ['InvalidParameter', 'InvalidParameterValue', 'MissingParameter', 'UnknownParameter'] }],
    meaning: 'CLB refused a parameter.',
    cause: 'An annotation or Service field has a value that CLB does not take.',
    fix: 'Correct the value that the message names. If you did not set it, please report it as a bug.',
  },
  {
    code: 'CD2021',
    class: 'terminal',
    blames: 'load-balancer',
    matches: [
      {
        cloudCodes: [
          'FailedOperation.TargetNumCheckRisk',
          'FailedOperation.TrafficCheckRisk',
          'FailedOperation.EipTrafficCheckRisk',
          'FailedOperation.FrequencyCheckRisk',
        ],
      },
    ],
    meaning: 'CLB guards the load balancer against deletion.',
    cause: 'It still has targets or traffic, or many load balancers were deleted in a short time.',
    fix: 'If it is really not needed, delete it in the console, or wait until it has no traffic.',
  },
  {
    code: 'CD2022',
    class: 'terminal',
    blames: 'load-balancer',
    matches: [{ cloudCodes: ['OperationDenied'] }],
    meaning: 'A protection or policy forbids the operation.',
    cause: 'Delete or modify protection is on, or an account policy blocks it.',
    fix: 'Switch the protection off in the console, if the operation is wanted.',
  },
  {
    code: 'CD2023',
    class: 'terminal',
    blames: 'load-balancer',
    matches: [{ cloudCodes: ['UnsupportedOperation', 'FailedOperation.AssociationNotActive'] }],
    meaning: 'The load balancer cannot do this.',
    cause: 'It is a classic load balancer or of a type that lacks the function.',
    fix: 'Use an application load balancer (Forward 1) that stands in the same VPC.',
  },
  {
    code: 'CD2024',
    class: 'retryable',
    blames: 'load-balancer',
    matches: [{ cloudCodes: ['FailedOperation.InvalidLBStatus', 'FailedOperation.ResourceInCloning'] }],
    meaning: 'The load balancer is not in a state to be written to.',
    cause: 'It is being created or cloned, or isolated because of unpaid bills.',
    fix: 'Wait. If it goes on, look at the state of the load balancer in the console.',
  },
  {
    code: 'CD2025',
    class: 'retryable',
    blames: 'items',
    matches: [{ cloudCodes: ['ResourceInUse', 'ResourceUnavailable'] }],
    meaning: 'Something the request needs is in use or unavailable for the moment.',
    cause: 'Another operation in the account holds it.',
    fix: 'Nothing to do, it is repeated.',
  },
  {
    code: 'CD2026',
    class: 'terminal',
    blames: 'account',
    matches: [{ cloudCodes: ['AuthFailure.SignatureExpire'] }],
    meaning: "CLB says that the request's signature has expired.",
    cause: "The clock of the coordinator's node is off by more than five minutes.",
    fix: 'Correct the clock of the node (chrony or ntpd).',
  },
  {
    code: 'CD2027',
    class: 'terminal',
    blames: 'account',
    matches: [{ cloudCodes: ['UnauthorizedOperation', 'AuthFailure.UnauthorizedOperation'] }],
    meaning: 'The key may not do this.',
    cause: 'The CAM policy of the user or role lacks the action that the message names.',
    fix: 'Allow the action in the CAM policy.',
  },
  {
    code: 'CD2028',
    class: 'terminal',
    blames: 'account',
    matches: [{ cloudCodes: ['AuthFailure'] }],
    meaning: 'CLB does not take the key.',
    cause: 'TENCENTCLOUD_SECRET_ID or TENCENTCLOUD_SECRET_KEY is wrong or disabled, or the session token has expired.',
    fix: 'Correct the Secret that holds the key, and restart the coordinator if it comes from the environment.',
  },
  {
    code: 'CD2029',
    class: 'terminal',
    blames: 'account',
    matches: [{ cloudCodes: ['ActionOffline', 'InvalidAction', 'NoSuchVersion'] }],
    meaning: 'The endpoint does not offer the action.',
    cause: '--clb-endpoint does not lead to the CLB API, or Tencent Cloud took the action away.',
    fix: 'Correct --clb-endpoint, or update clb-direct.',
  },
  {
    code: 'CD2030',
    class: 'retryable',
    blames: 'load-balancer',
    matches: [{ cloudCodes: ['InternalError'] }],
    outcomeUnknown: true,
    meaning: 'CLB had an internal error.',
    cause: 'Something is wrong inside Tencent Cloud.',
    fix: 'Nothing to do, the state is read and the request repeated. If it goes on, open a ticket with the request id.',
  },
  {
    code: 'CD2031',
    class: 'retryable',
    blames: 'items',
    matches: [{ cloudCodes: ['FailedOperation'] }],
    outcomeUnknown: true,
    meaning: 'CLB could not do it and gives no reason that we know.',
    cause: 'See the message.',
    fix: 'Nothing to do, the state is read and the request repeated. If it goes on, open a ticket with the request id.',
  },
];

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
  meaning: 'CLB took a batch, but failed for some of its listeners.',
  cause:
    'A target that CLB does not take, or a listener that is being changed. CLB names the listener, not the target.',
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

/** Every entry, in the order of docs/errors.md. */
export const CLOUD_ERRORS: readonly CloudErrorEntry[] = [
  ...ANSWERED,
  UNKNOWN_CODE,
  NO_ANSWER,
  TOO_LATE,
  MALFORMED,
  NO_KEY,
  TASK_FAILED,
  NOT_SENT,
  LISTENER_FAILED,
  NOTHING_HAPPENED,
];
