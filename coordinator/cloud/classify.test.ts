import { expect, test } from 'vitest';
import { classify } from './classify.ts';
import { ClbApiError } from './transport.ts';

const OPERATING =
  'Loadbalancer(lb-xxx) is not in normal desState, maybe some tasks are being processed, please try later.';

test.each([
  ['RequestLimitExceeded', '', 'CD2001 throttled'],
  ['RequestLimitExceeded.UinLimitExceeded', '', 'CD2001 throttled'],
  ['FailedOperation.ResourceInOperating', OPERATING, 'CD2002 busy'],
  [
    'FailedOperation',
    'Task Check Failed : Same wsName is Working(AddQLBL4ListenerDevice), pls Try Later',
    'CD2002 busy',
  ],
  ['FailedOperation', 'Your task is working (BindTargetGroupDevice).', 'CD2002 busy'],
  ['FailedOperation', 'something else', 'CD2031 retryable unknown'],
  ['FailedOperation.InvalidLBStatus', 'isolated', 'CD2024 retryable'],
  ['FailedOperation.NoListenerInLB', '', 'CD2012 terminal gone'],
  ['FailedOperation.TargetNumCheckRisk', '', 'CD2021 terminal'],
  ['FailedOperation.InsufficientBalance', '', 'CD2016 terminal'],
  ['InternalError', '', 'CD2030 retryable unknown'],
  ['ResourceInUse', '', 'CD2025 retryable'],
  ['ResourceInsufficient', '', 'CD2015 terminal'],
  ['LimitExceeded', '', 'CD2014 terminal'],
  ['InvalidParameter.LBIdNotFound', '', 'CD2011 terminal gone'],
  ['InvalidParameter', 'LoadBalancer not exist', 'CD2011 terminal gone'],
  ['InvalidParameter.ListenerIdNotFound', '', 'CD2012 terminal gone'],
  ['InvalidParameter', 'some ListenerId lbl-1 not found', 'CD2012 terminal gone'],
  ['InvalidParameterValue', 'Subnet subnet-1 not exist', 'CD2013 terminal gone'],
  ['InvalidParameter.PortCheckFailed', '', 'CD2017 terminal'],
  ['InvalidParameter.RegionNotFound', '', 'CD2018 terminal'],
  ['InvalidParameterValue.Duplicate', '', 'CD2020 terminal'],
  ['OperationDenied', '', 'CD2022 terminal'],
  ['AuthFailure.SignatureExpire', '', 'CD2026 terminal'],
  ['AuthFailure.SecretIdNotFound', '', 'CD2028 terminal'],
  ['AuthFailure.UnauthorizedOperation', '', 'CD2027 terminal'],
  ['UnauthorizedOperation', '', 'CD2027 terminal'],
  ['NeverSeenBefore', '', 'CD2039 retryable unknown'],
])('%s "%s" is %s', (code, message, expected) => {
  const error = classify('BatchRegisterTargets', new ClbApiError('BatchRegisterTargets', code, message, 'request-1'));
  const words = [error.code, error.class, error.outcomeUnknown && 'unknown', error.notFound && 'gone'];
  expect(words.filter(Boolean).join(' ')).toBe(expected);
  expect(error.cloudCode).toBe(code);
});

test('the text names the action and the code of CLB, and the id of the request stands apart from it', () => {
  const error = new ClbApiError('DescribeTargets', 'AuthFailure.SignatureFailure', 'wrong key', 'request-1');
  const { message, requestId } = classify('DescribeTargets', error);
  expect(message).toBe('DescribeTargets: AuthFailure.SignatureFailure: wrong key');
  expect(requestId).toBe('request-1');
});

test('a read never leaves an outcome unknown', () => {
  const error = new ClbApiError('DescribeTargets', 'InternalError', '', '');
  expect(classify('DescribeTargets', error).outcomeUnknown).toBe(false);
});
