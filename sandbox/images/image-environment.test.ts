import { expect, test } from 'vitest';
import { explainListenError, imageEnvironment } from './image-environment.ts';

test('a flag comes over PORT, and PORT over the image', () => {
  expect(imageEnvironment({}, [], 80).port).toBe(80);
  expect(imageEnvironment({ PORT: '8081' }, [], 80).port).toBe(8081);
  expect(imageEnvironment({ PORT: '8081' }, ['--port', '8082'], 80).port).toBe(8082);
});

test.each(['', '0', '70000', '80a'])('"%s" is no port, and the message says so', port => {
  expect(() => imageEnvironment({ PORT: port }, [], 80)).toThrow(`got "${port}"`);
});

test('a port that needs rights is explained with what helps', () => {
  const environment = imageEnvironment({ POD_IP: '127.1.1.2' }, [], 80);
  const error = Object.assign(new Error('denied'), { code: 'EACCES' });
  expect(explainListenError(error, environment)).toMatch(/127\.1\.1\.2:80: permission denied\..*set PORT/);
});
