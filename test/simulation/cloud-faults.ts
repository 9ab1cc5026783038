import { type Random, randomInteger } from '../../common/random.ts';
import type { Fault } from '../../sandbox/clb/faults.ts';
import { pick } from './pick.ts';

const TARGET_WRITES = ['BatchRegisterTargets', 'BatchDeregisterTargets', 'BatchModifyTargetWeight'] as const;
const READS = ['DescribeTargets', 'DescribeTargetHealth', 'DescribeListeners', 'DescribeTaskStatus'] as const;
const OTHER_WRITES = [
  'CreateListener',
  'DeleteLoadBalancerListeners',
  'CreateLoadBalancer',
  'DeleteLoadBalancer',
] as const;

/** What a run that serves clients has to bear without a loss. */
export function drawFault(random: Random): Fault {
  const write = pick(random, TARGET_WRITES);
  const any = pick(random, [...TARGET_WRITES, ...READS]);
  const few = randomInteger(random, 1, 3);
  return pick<Fault>(random, [
    { action: write, kind: 'lose-reply', count: few },
    { action: write, kind: 'do-nothing', count: few },
    { action: write, kind: 'fail-task', count: few },
    { action: write, kind: 'late-error', code: 'InternalError', count: few },
    { action: write, kind: 'late-error', code: 'FailedOperation', count: few },
    {
      action: write,
      kind: 'error',
      code: 'FailedOperation.ResourceInOperating',
      count: randomInteger(random, 3, 12),
    },
    { action: any, kind: 'error', code: 'RequestLimitExceeded', count: randomInteger(random, 2, 6) },
    { action: any, kind: 'error', code: 'InternalError', count: few },
    { action: pick(random, READS), kind: 'lose-reply', count: few },
    { action: any, kind: 'delay-reply', delayMs: randomInteger(random, 500, 4_000), count: few },
    { action: any, kind: 'delay', delayMs: randomInteger(random, 500, 4_000), count: few },
  ]);
}

/** The codes that CLB documents, some that mean anything, and one that nobody has ever seen. */
const CODES = [
  'FailedOperation',
  'FailedOperation.ResourceInOperating',
  'RequestLimitExceeded',
  'InternalError',
  'LimitExceeded',
  'ResourceInsufficient',
  'InvalidParameter',
  'InvalidParameterValue',
  'InvalidParameter.ListenerIdNotFound',
  'AuthFailure.SignatureExpire',
  'UnauthorizedOperation',
  'OperationDenied',
  'FailedOperation.NeverHeardOf',
];

/** How long ago a stale read may have been true. */
export const STALE_MAX_MS = 8_000;

/** Anything that CLB can do to a call. */
export function drawAnyFault(random: Random): Fault {
  const action = pick(random, [...TARGET_WRITES, ...READS, ...OTHER_WRITES, 'DescribeLoadBalancers', '*']);
  const count = randomInteger(random, 1, 6);
  const code = pick(random, CODES);
  const delayMs = randomInteger(random, 500, 9_000);
  const share = pick(random, [0.1, 0.5, 1]);
  return pick<Fault>(random, [
    { action, kind: 'error', code, count },
    { action, kind: 'error', code, count },
    { action, kind: 'late-error', code, count },
    { action, kind: 'delay', delayMs, count },
    { action, kind: 'delay-reply', delayMs, count },
    { action, kind: 'do-nothing', count },
    { action, kind: 'do-nothing', probability: 0.5 },
    { action, kind: 'lose-reply', count },
    { action, kind: 'lose-reply', probability: 0.3 },
    { action, kind: 'break-reply', count },
    { action, kind: 'html-reply', status: pick(random, [200, 502]), count },
    { action, kind: 'drip-reply', count },
    { action, kind: 'fail-task', count },
    { action: pick(random, TARGET_WRITES), kind: 'fail-listeners', share, count },
    { action: pick(random, TARGET_WRITES), kind: 'drop-targets', share, count },
    {
      action: pick(random, [...READS, 'DescribeLoadBalancers']),
      kind: 'stale-read',
      staleMs: randomInteger(random, 500, STALE_MAX_MS),
      count,
    },
    { action, kind: 'spend-rate', perSecond: randomInteger(random, 5, 19) },
  ]);
}
