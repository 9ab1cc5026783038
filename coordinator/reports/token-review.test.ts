import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeRequest, KubeResponse, KubeTransport } from '../../common/kube/transport.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { TokenReviewer } from './token-review.ts';

const AGENT = 'system:serviceaccount:clb-direct:clb-direct-agent';
const CLAIMS = {
  'authentication.kubernetes.io/node-name': ['node2'],
  'authentication.kubernetes.io/pod-name': ['agent-x'],
  'authentication.kubernetes.io/pod-uid': ['bfd9'],
};
const GOOD = { authenticated: true, audiences: ['clb-direct'], user: { username: AGENT, extra: CLAIMS } };

let clock: VirtualClock;
let requests: KubeRequest[];
let answer: (signal: AbortSignal) => Promise<KubeResponse>;
let reviewer: TokenReviewer;
const signal = new AbortController().signal;

beforeEach(() => {
  clock = new VirtualClock();
  requests = [];
  answer = async () => reviewed(GOOD);
  const transport: KubeTransport = {
    request(request, limit) {
      requests.push(request);
      return answer(limit);
    },
    watch: () => {
      throw new Error('tokens are not watched');
    },
  };
  const agentServiceAccount = { namespace: 'clb-direct', name: 'clb-direct-agent' };
  reviewer = new TokenReviewer({ transport, clock, agentServiceAccount });
});

describe('a token review', () => {
  test('asks for our audience and takes node and Pod from the claims', async () => {
    expect(await reviewer.identify('t1', signal)).toEqual({ nodeName: 'node2', podName: 'agent-x', podUid: 'bfd9' });
    expect(requests).toMatchObject([
      {
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        body: { kind: 'TokenReview', spec: { token: 't1', audiences: ['clb-direct'] } },
      },
    ]);
  });

  test.each([
    ['the token is not valid', { authenticated: false, error: 'token has expired' }, /not valid: token has expired/],
    ['nothing is said about it', {}, /not valid: no reason given/],
    ['it is for another audience', { ...GOOD, audiences: ['https://kubernetes'] }, /not for audience clb-direct/],
    [
      'it belongs to any other ServiceAccount',
      { ...GOOD, user: { username: 'system:serviceaccount:shop:web', extra: CLAIMS } },
      /system:serviceaccount:shop:web's, agents are system:serviceaccount:clb-direct:clb-direct-agent/,
    ],
    ['it is bound to nothing', { ...GOOD, user: { username: AGENT } }, /not bound to a Pod on a node.*projected/],
    [
      'it is bound to a node but to no Pod',
      { ...GOOD, user: { username: AGENT, extra: { 'authentication.kubernetes.io/node-name': ['node2'] } } },
      /not bound to a Pod/,
    ],
  ])('turns the stream away when %s', async (_name, status, message) => {
    answer = async () => reviewed(status);
    const refusal = reviewer.identify('t1', signal);
    await expect(refusal).rejects.toMatchObject({ kind: 'unauthenticated', message: expect.stringMatching(message) });
  });

  test.each([
    ['may not be made', { status: 403, body: { message: 'forbidden' } }, /system:auth-delegator/],
    ['fails in the API server', { status: 500, body: { message: 'etcd is away' } }, /etcd is away/],
  ])('says that the agent should come again when it %s', async (_name, response, message) => {
    answer = async () => response;
    const refusal = reviewer.identify('t1', signal);
    await expect(refusal).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringMatching(message) });
  });

  test('says that the agent should come again when nobody answers it for 5 s', async () => {
    answer = untilAborted;
    const refusal = expect(reviewer.identify('t1', signal)).rejects.toMatchObject({ kind: 'unavailable' });
    await clock.advance(5_000);
    await refusal;
  });

  test('is not repeated for a good token within 10 s, and is after them', async () => {
    await reviewer.identify('t1', signal);
    await clock.advance(9_999);
    await reviewer.identify('t1', signal);
    expect(requests).toHaveLength(1);
    await clock.advance(1);
    await reviewer.identify('t1', signal);
    expect(requests).toHaveLength(2);
  });

  test('is repeated for a bad token, which may have become good', async () => {
    answer = async () => reviewed({ authenticated: false });
    await expect(reviewer.identify('t1', signal)).rejects.toThrow();
    answer = async () => reviewed(GOOD);
    expect(await reviewer.identify('t1', signal)).toMatchObject({ nodeName: 'node2' });
  });

  test('does not answer for another token', async () => {
    await reviewer.identify('t1', signal);
    await reviewer.identify('t2', signal);
    expect(requests).toHaveLength(2);
  });

  test('is put off when 512 are under way', async () => {
    answer = untilAborted;
    const waiting = Array.from({ length: 512 }, (_, index) => reviewer.identify(`t${index}`, signal).catch(() => {}));
    await expect(reviewer.identify('one-more', signal)).rejects.toMatchObject({ kind: 'unavailable' });
    await clock.advance(5_000);
    await Promise.all(waiting);
    answer = async () => reviewed(GOOD);
    expect(await reviewer.identify('one-more', signal)).toMatchObject({ nodeName: 'node2' });
  });
});

function untilAborted(limit: AbortSignal): Promise<KubeResponse> {
  return new Promise((_, reject) => limit.addEventListener('abort', () => reject(limit.reason)));
}

function reviewed(status: object): KubeResponse {
  return { status: 201, body: { kind: 'TokenReview', status } };
}
