import { expect, test } from 'vitest';
import { callsIn, isWrite } from './clb-calls.ts';

test('each head in a piece is one call, whatever the case of its header', () => {
  const heads = ['POST / HTTP/1.1\r\nX-TC-Action: DescribeTargets\r\n\r\n{}', 'x-tc-action:CreateListener\r\n'];
  expect(callsIn('127.64.1.1', Buffer.from(heads.join('POST / HTTP/1.1\r\n')), 7)).toEqual([
    { at: 7, podIp: '127.64.1.1', action: 'DescribeTargets' },
    { at: 7, podIp: '127.64.1.1', action: 'CreateListener' },
  ]);
});

test('a piece of a body is no call', () => {
  expect(callsIn('127.64.1.1', Buffer.from('{"Action":"CreateListener"}'), 7)).toEqual([]);
});

test('reads are not writes', () => {
  expect(['DescribeTaskStatus', 'BatchDeregisterTargets'].map(action => isWrite({ action }))).toEqual([false, true]);
});
