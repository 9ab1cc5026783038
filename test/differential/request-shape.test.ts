import { expect, test } from 'vitest';
import { requestShape } from './request-shape.ts';

const namespaced = '/apis/apps/v1/namespaces/shop/deployments';

test('the shape of a request is what it does to which resource, with the names of its parameters', () => {
  const query = { limit: '500', fieldSelector: 'metadata.name=web', watch: 'true' };
  expect(requestShape({ method: 'GET', path: namespaced, query }, true)).toBe(
    'watch deployments.apps ?fieldSelector&limit',
  );
  expect(requestShape({ method: 'GET', path: namespaced }, false)).toBe('list deployments.apps');
  expect(requestShape({ method: 'GET', path: '/api/v1/namespaces/shop' }, false)).toBe('get namespaces');
  expect(requestShape({ method: 'DELETE', path: namespaced }, false)).toBe('deletecollection deployments.apps');
});

test('a patch is told with its type, and a subresource with its resource', () => {
  const contentType = 'application/merge-patch+json';
  const path = '/api/v1/namespaces/shop/pods/web/status';
  expect(requestShape({ method: 'PATCH', path, contentType }, false)).toBe(`patch pods/status ${contentType}`);
});

test('what names no resource is told by its path', () => {
  expect(requestShape({ method: 'GET', path: '/apis/apps/v1' }, false)).toBe('get /apis/apps/v1');
});
