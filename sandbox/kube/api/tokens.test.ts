import { describe, expect, test } from 'vitest';
import { createBoundPod, createNode, PODS, TestApi, type TestObject } from './fixtures.ts';

const TOKEN = '/api/v1/namespaces/default/serviceaccounts/default/token';
const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';

async function withPodToken(): Promise<{ api: TestApi; pod: TestObject; token: string }> {
  const api = new TestApi();
  await createNode(api, 'n1');
  const pod = await createBoundPod(api, 'a', 'n1');
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: pod.metadata.uid };
  const { body } = await api.post(TOKEN, {
    spec: { audiences: ['clb-direct'], boundObjectRef, expirationSeconds: 600 },
  });
  return { api, pod, token: String(body.status.token) };
}

const review = async (api: TestApi, token: string, audiences?: string[]) =>
  (await api.post(REVIEWS, { spec: { token, ...(audiences && { audiences }) } })).body.status;

describe('a token bound to a Pod', () => {
  test('tells a reviewer of its audience which account, Pod and node it stands for', async () => {
    const { api, pod, token } = await withPodToken();
    const status = await review(api, token, ['clb-direct', 'other']);
    expect(status).toMatchObject({
      authenticated: true,
      audiences: ['clb-direct'],
      user: {
        username: 'system:serviceaccount:default:default',
        extra: {
          'authentication.kubernetes.io/node-name': ['n1'],
          'authentication.kubernetes.io/pod-name': ['a'],
          'authentication.kubernetes.io/pod-uid': [pod.metadata.uid],
        },
      },
    });
  });

  test('is not authenticated for another audience, or for none', async () => {
    const { api, token } = await withPodToken();
    expect(await review(api, token, ['other'])).toEqual({
      user: {},
      error: expect.stringContaining('token audiences ["clb-direct"] is invalid for the target audiences ["other"]'),
    });
    expect(await review(api, token)).not.toHaveProperty('authenticated');
    expect(api.server.authenticate(token)).toBeUndefined();
  });

  test('dies with its Pod', async () => {
    const { api, token } = await withPodToken();
    await api.call('DELETE', `${PODS}/a`, { gracePeriodSeconds: 0 });
    expect(await review(api, token, ['clb-direct'])).toMatchObject({
      error: expect.stringContaining('has been invalidated'),
    });
  });

  test('expires', async () => {
    const { api, token } = await withPodToken();
    await api.clock.advance(600_000);
    expect(await review(api, token, ['clb-direct'])).toMatchObject({ error: expect.stringContaining('has expired') });
  });
});

test('a review of no token is a bad request', async () => {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: {} };
  expect((await new TestApi().post('/apis/authentication.k8s.io/v1/tokenreviews', review)).status).toBe(400);
});

describe('a token request', () => {
  test('without audiences opens the API itself', async () => {
    const api = new TestApi();
    const { status, body } = await api.post(TOKEN, { spec: {} });
    expect(status).toBe(201);
    expect(api.server.authenticate(String(body.status.token))?.username).toBe('system:serviceaccount:default:default');
  });

  test.each([
    ['an unknown account', '/api/v1/namespaces/default/serviceaccounts/none/token', {}, 404],
    ['a lifetime under ten minutes', TOKEN, { expirationSeconds: 60 }, 400],
    ['an unknown Pod', TOKEN, { boundObjectRef: { kind: 'Pod', name: 'none' } }, 404],
    ['an object that is no Pod', TOKEN, { boundObjectRef: { kind: 'Secret', name: 'a' } }, 400],
  ])('for %s is refused', async (_what, path, spec, status) => {
    const api = new TestApi();
    expect((await api.post(path, { spec })).status).toBe(status);
  });
});

test('a user token stands for its user, and an invented one for nobody', () => {
  const { server } = new TestApi();
  const token = server.issueUserToken({ username: 'operator' });
  expect(server.authenticate(token)).toEqual({ username: 'operator' });
  expect(server.authenticate(`${token}x`)).toBeUndefined();
});
