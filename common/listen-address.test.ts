import { expect, test } from 'vitest';
import { listenAddress, openAt } from './listen-address.ts';

test.each([
  ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['coordinator.clb-direct:9443', { host: 'coordinator.clb-direct', port: 9443 }],
])('%s is taken apart', (text, expected) => {
  expect(listenAddress(text)).toEqual(expected);
});

test.each([
  ['EADDRINUSE', 'listen EADDRINUSE', '--http-listen 127.0.0.1:80: address already in use'],
  ['EACCES', 'listen EACCES', '--http-listen 127.0.0.1:80: permission denied; ports below 1024 need'],
  ['EADDRNOTAVAIL', 'listen EADDRNOTAVAIL', '--http-listen 127.0.0.1:80: no address of this machine'],
  ['EELSE', 'something else\nat length', '--http-listen 127.0.0.1:80: something else'],
])('a failure with %s is told in one line with option, address and cause', async (code, message, expected) => {
  const open = () => Promise.reject(Object.assign(new Error(message), { code }));
  const failure: Error = await openAt('--http-listen', '127.0.0.1:80', open).catch(error => error);
  expect(failure.message).toContain(expected);
  expect(failure.message).not.toContain('\n');
});
