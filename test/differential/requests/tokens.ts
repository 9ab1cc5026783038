import type { KubeObject } from '../../../common/kube/objects.ts';
import type { KubeResponse } from '../../../common/kube/transport.ts';
import { paths, type Side, succeed } from '../side.ts';
import { pod } from './bodies.ts';
import { type ComparedRequest, create, made, remove } from './compared-request.ts';

const { pods, serviceAccounts, tokenReviews } = paths;
const audiences = ['clb-direct'];

/** What a TokenReview says of a token. */
export const tokens: readonly ComparedRequest[] = [
  { name: 'review a token', send: async side => review(side, { token: await token(side), audiences }) },
  {
    name: 'review the token of a Pod',
    async send(side) {
      const { metadata } = await made(side, pods, pod('speaking', { nodeName: side.nodes[0] }));
      const { name, uid } = metadata;
      const bound = await token(side, { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } });
      const answer = await review(side, { token: bound, audiences });
      await remove(side, `${pods}/speaking`, { gracePeriodSeconds: 0 });
      return answer;
    },
  },
  {
    name: 'a token for a Pod of another UID',
    async send(side) {
      await made(side, pods, pod('silent'));
      const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'silent', uid: 'another' };
      return request(side, { boundObjectRef });
    },
  },
  {
    name: 'review a token for another audience',
    send: async side => review(side, { token: await token(side), audiences: ['other'] }),
  },
  {
    name: 'review a token for no audience',
    send: async side => review(side, { token: await token(side) }),
  },
  { name: 'review an invented token', send: side => review(side, { token: 'invented', audiences }) },
  { name: 'review no token', send: side => review(side, {}) },
];

function request(side: Side, spec: object = {}): Promise<KubeResponse> {
  const body = { spec: { audiences, expirationSeconds: 600, ...spec } };
  return create(side, `${serviceAccounts}/default/token`, body);
}

async function token(side: Side, spec: object = {}): Promise<string> {
  const answer = await succeed(request(side, spec));
  return (answer as KubeObject & { status: { token: string } }).status.token;
}

function review(side: Side, spec: object): Promise<KubeResponse> {
  return create(side, tokenReviews, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec });
}
