import { expect, it } from 'vitest';
import { KubeConnectionError, KubeResponseError } from '../../common/kube/transport.ts';
import { writeFailure } from './write-failure.ts';

it.each([
  [404, 'services "uid" not found', 'gone'],
  [409, 'Precondition failed: UID in precondition: u1, UID in object meta: u2', 'gone'],
  [409, 'the UID in the precondition (u1) does not match the UID in record (u2)', 'gone'],
  [422, 'Pod "web" is invalid: metadata.uid: Invalid value: "u1": field is immutable', 'gone'],
  [409, 'the object has been modified; please apply your changes to the latest version', 'changed'],
  [422, 'Service "web" is invalid: status.loadBalancer.ingress[0].ip: Invalid value', 'invalid'],
  [400, 'malformed', 'invalid'],
  [403, 'forbidden', 'retryable'],
  [429, 'too many requests', 'retryable'],
  [500, 'internal error', 'retryable'],
])('takes %i "%s" for %s', (status, message, expected) => {
  const request = { method: 'PATCH', path: '/api/v1/namespaces/shop/services/uid' } as const;
  expect(writeFailure(new KubeResponseError(request, { status, body: { message } }))).toBe(expected);
});

it('takes everything else for retryable', () => {
  expect(writeFailure(new KubeConnectionError('reset'))).toBe('retryable');
});
