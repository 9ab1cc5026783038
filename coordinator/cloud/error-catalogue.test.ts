import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { documentedRows, errorRows } from '../../tools/error-table.ts';
import { ANSWERED } from './answered-errors.ts';
import { clbCloud } from './clb-client.ts';
import { CALL_ERRORS, CLOUD_ERRORS } from './error-catalogue.ts';
import { type ScriptedAnswer, type ScriptedCall, ScriptedTransport } from './scripted-transport.ts';
import { ClbApiError, ClbConnectionError, ClbCredentialsError } from './transport.ts';
import type { CloudError } from './types.ts';

const OPERATING =
  'Loadbalancer(lb-xxx) is not in normal desState, maybe some tasks are being processed, please try later.';
const WORKING = 'Task Check Failed : Same wsName is Working(AddQLBL4ListenerDevice), pls Try Later';

/** Our code, and the code and text of CLB that lead to it. */
const ANSWERS: readonly (readonly [string, string, string])[] = [
  ['CD2001', 'RequestLimitExceeded', 'over the rate'],
  ['CD2001', 'RequestLimitExceeded.UinLimitExceeded', 'over the rate'],
  ['CD2002', 'FailedOperation.ResourceInOperating', OPERATING],
  ['CD2002', 'FailedOperation', WORKING],
  ['CD2002', 'FailedOperation', 'Your task is working (BindTargetGroupDevice). Pls wait for the task to complete.'],
  ['CD2011', 'InvalidParameter.LBIdNotFound', 'lb-1'],
  ['CD2011', 'InvalidParameter', 'LoadBalancer not exist'],
  ['CD2011', 'InvalidParameterValue', 'LB not exist'],
  ['CD2011', 'ResourceNotFound', 'load balancer lb-1 does not exist'],
  ['CD2011', 'FailedOperation', 'LoadBalancer not exist'],
  ['CD2012', 'InvalidParameter.ListenerIdNotFound', 'lbl-1'],
  ['CD2012', 'InvalidParameter.LocationNotFound', 'loc-1'],
  ['CD2012', 'FailedOperation.NoListenerInLB', 'lb-1'],
  ['CD2012', 'InvalidParameter', 'some ListenerId lbl-1 not found'],
  ['CD2012', 'InvalidParameterValue.Duplicate', 'rule loc-1 not exist'],
  ['CD2012', 'InvalidParameterValue', 'location loc-1 not found'],
  ['CD2012', 'ResourceNotFound', 'listener not found'],
  ['CD2012', 'FailedOperation', 'Listener lbl-1 not exists.'],
  ['CD2013', 'ResourceNotFound', 'security group'],
  ['CD2036', 'InvalidParameter', 'certificate cert-1 has expired'],
  ['CD2036', 'InvalidParameterValue', 'The certificate cert-1 does not exist.'],
  ['CD2036', 'ResourceNotFound', 'cert cert-1'],
  ['CD2036', 'FailedOperation', '证书不存在'],
  ['CD2013', 'InvalidParameter', 'Vpc vpc-1 not exist'],
  ['CD2013', 'InvalidParameterValue', 'Subnet subnet-1 not exist'],
  ['CD2014', 'LimitExceeded', 'too many targets'],
  ['CD2015', 'ResourceInsufficient', 'no address'],
  ['CD2015', 'ResourcesSoldOut', 'zone'],
  ['CD2016', 'FailedOperation.InsufficientBalance', 'no money'],
  ['CD2017', 'InvalidParameter.PortCheckFailed', 'port 80 of listener lbl-1 not exist'],
  ['CD2017', 'InvalidParameter.ProtocolCheckFailed', 'SCTP'],
  ['CD2018', 'InvalidParameter.RegionNotFound', 'ap-nowhere not found'],
  ['CD2018', 'UnsupportedRegion', 'ap-nowhere'],
  ['CD2019', 'InvalidParameter.ClientTokenLimitExceeded', 'token'],
  ['CD2020', 'InvalidParameter', 'wrong'],
  ['CD2020', 'InvalidParameter.FormatError', 'wrong'],
  ['CD2020', 'InvalidParameterValue', 'wrong'],
  ['CD2020', 'InvalidParameterValue.Duplicate', 'twice'],
  ['CD2020', 'MissingParameter', 'Port'],
  ['CD2020', 'UnknownParameter', 'Prot'],
  ['CD2021', 'FailedOperation.TargetNumCheckRisk', '25 targets, please try later'],
  ['CD2022', 'OperationDenied', 'deletion protection is on'],
  ['CD2023', 'UnsupportedOperation', 'classic'],
  ['CD2023', 'FailedOperation.AssociationNotActive', 'association'],
  ['CD2024', 'FailedOperation.InvalidLBStatus', 'isolated, pls try later'],
  ['CD2024', 'FailedOperation.ResourceInCloning', 'cloning'],
  ['CD2025', 'ResourceInUse', 'SnatIp is in use'],
  ['CD2025', 'ResourceUnavailable', 'not now'],
  ['CD2026', 'AuthFailure.SignatureExpire', 'clock'],
  ['CD2027', 'UnauthorizedOperation', 'clb:BatchRegisterTargets'],
  ['CD2027', 'AuthFailure.UnauthorizedOperation', 'clb:BatchRegisterTargets'],
  ['CD2028', 'AuthFailure', 'key'],
  ['CD2028', 'AuthFailure.SecretIdNotFound', 'key'],
  ['CD2028', 'AuthFailure.TokenFailure', 'token'],
  ['CD2029', 'ActionOffline', ''],
  ['CD2029', 'InvalidAction', ''],
  ['CD2029', 'InvalidRequest', ''],
  ['CD2029', 'NoSuchProduct', ''],
  ['CD2029', 'NoSuchVersion', ''],
  ['CD2029', 'UnsupportedProtocol', ''],
  ['CD2030', 'InternalError', 'ask again'],
  ['CD2030', 'ServiceUnavailable', 'ask again'],
  ['CD2031', 'FailedOperation', 'no reason'],
  ['CD2031', 'FailedOperation.NeverSeenBefore', 'no reason'],
  ['CD2032', 'FailedOperation.TrafficCheckRisk', 'traffic'],
  ['CD2032', 'FailedOperation.EipTrafficCheckRisk', 'traffic'],
  ['CD2033', 'FailedOperation.FrequencyCheckRisk', 'too often, please try later'],
  ['CD2034', 'IpInBlacklist', '127.0.0.1'],
  ['CD2034', 'IpNotInWhitelist', '127.0.0.1'],
  ['CD2035', 'RequestSizeLimitExceeded', '10 MB'],
  ['CD2035', 'ResponseSizeLimitExceeded', '10 MB'],
  ['CD2039', 'NeverSeenBefore', 'new'],
];

/** Our code, and what the transport does. */
const MISHAPS: readonly (readonly [string, (call: ScriptedCall) => ScriptedAnswer])[] = [
  ['CD2040', () => new ClbConnectionError('Action', 'connect ECONNREFUSED')],
  ['CD2041', () => 'never'],
  ['CD2042', () => ({ RequestId: 7 })],
  ['CD2043', () => new ClbCredentialsError('no key')],
  ['CD2044', () => ({ Status: 1, Message: 'backend gone' })],
];

const target = { listenerId: 'lbl-1', locationId: '', address: '10.0.0.1', port: 80 };
const never = new AbortController().signal;

/** How a change of weight ends whose calls are answered so, made when `before` others wait already. */
async function provoke(script: (call: ScriptedCall) => ScriptedAnswer, before = 0): Promise<CloudError> {
  const clock = new VirtualClock();
  const transport = new ScriptedTransport(clock, script);
  const cloud = clbCloud({ transport, clock, random: seededRandom(1) });
  const change = () => cloud.modifyWeights('lb-1', [{ ...target, weight: 0 }], never);
  for (let index = 0; index < before; index += 1) void change();
  const result = change();
  await clock.advance(10_000);
  const ended = await result;
  if (ended.ok) throw new Error('the call went well');
  return ended.error;
}

function entryOf(code: string) {
  return CLOUD_ERRORS.find(entry => entry.code === code);
}

describe('every error of a call', () => {
  test.each(ANSWERS)('%s: CLB answers %s "%s"', async (code, cloudCode, text) => {
    const error = await provoke(({ action }) => new ClbApiError(action, cloudCode, text, 'request-9'));
    const entry = entryOf(code);
    expect(error).toMatchObject({ code, cloudCode, class: entry?.class, blames: entry?.blames, hint: entry?.fix });
    expect(error).toMatchObject({ requestId: 'request-9', action: 'BatchModifyTargetWeight' });
    expect(error.outcomeUnknown).toBe(entry?.outcomeUnknown === true);
    expect(error.notFound).toBe(entry?.notFound === true);
  });

  test.each(MISHAPS)('%s', async (code, script) => {
    const error = await provoke(script);
    const entry = entryOf(code);
    expect(error).toMatchObject({ code, cloudCode: '', class: entry?.class, blames: entry?.blames });
    expect(error.outcomeUnknown).toBe(entry?.outcomeUnknown === true);
  });

  test('CD2045: so many calls wait for the rate that one more is not sent', async () => {
    const error = await provoke(() => ({}), 300);
    expect(error).toMatchObject({ code: 'CD2045', class: 'throttled', blames: 'account', outcomeUnknown: false });
  });

  test('is provoked above, by each code and text of CLB that it stands for', () => {
    const provoked = new Set([...ANSWERS.map(([code]) => code), ...MISHAPS.map(([code]) => code), 'CD2045']);
    expect(CALL_ERRORS.filter(entry => !provoked.has(entry.code))).toEqual([]);
    for (const { code, matches } of ANSWERED) {
      for (const { cloudCodes, text } of matches) {
        const missing = cloudCodes.filter(
          wanted =>
            !ANSWERS.some(([ours, cloudCode, said]) => {
              const covered = cloudCode === wanted || cloudCode.startsWith(`${wanted}.`);
              return ours === code && covered && (text?.test(said) ?? true);
            }),
        );
        expect(missing, `${code} with ${text}`).toEqual([]);
      }
    }
  });
});

test('docs/errors.md tells code, meaning, cause and fix of every error of the cloud, and no others', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  expect(documentedRows(page, 'CD2')).toEqual(errorRows(CLOUD_ERRORS));
});

test('no code stands for two errors', () => {
  expect(new Set(CLOUD_ERRORS.map(entry => entry.code)).size).toBe(CLOUD_ERRORS.length);
});
