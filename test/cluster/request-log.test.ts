import { expect, test } from 'vitest';
import { parseRequestLog, requestLine } from './request-log.ts';

const request = {
  atSeconds: 1.5,
  pod: 'web',
  client: '10.250.1.7',
  path: '/a{b}',
  status: 200,
  completion: 'OK',
  tookSeconds: 0,
};

test('a request comes through syslog and the log file as nginx told it', () => {
  const line = requestLine(`<190>Nov 22 01:54:51 nginx: ${JSON.stringify(request)}`);
  expect(parseRequestLog(`${line}${line}`)).toEqual([request, request]);
});

test('a datagram without a request leaves no line', () => {
  expect(requestLine('<190>Nov 22 01:54:51 nginx: hello')).toBeUndefined();
});
