import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeRequest } from '../../common/kube/transport.ts';
import { type Carriers, readOnly, WriteWhileObservingError } from './read-only-carriers.ts';

let sent: string[];
let carriers: Carriers;
const { signal } = new AbortController();

beforeEach(() => {
  sent = [];
  carriers = readOnly({
    kube: {
      request: async ({ method, path }) => {
        sent.push(`${method} ${path}`);
        return { status: 200, body: {} };
      },
      watch: async function* () {},
    },
    clb: {
      call: async action => {
        sent.push(action);
        return {};
      },
    },
  });
});

const POD = '/api/v1/namespaces/default/pods/web';
const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';

describe('the carriers of a coordinator that observes', () => {
  test('let every read through', async () => {
    await carriers.kube.request({ method: 'GET', path: POD }, signal);
    await carriers.clb.call('DescribeTargets', {}, signal);
    expect(sent).toEqual([`GET ${POD}`, 'DescribeTargets']);
  });

  test('let agents be asked who they are', async () => {
    await carriers.kube.request({ method: 'POST', path: REVIEWS }, signal);
    expect(sent).toEqual([`POST ${REVIEWS}`]);
  });

  test.each<KubeRequest['method']>(['POST', 'PUT', 'PATCH', 'DELETE'])('send no %s', async method => {
    const writing = carriers.kube.request({ method, path: POD }, signal);
    await expect(writing).rejects.toThrow(WriteWhileObservingError);
    expect(sent).toEqual([]);
  });

  test.each([
    'RegisterTargets',
    'BatchModifyTargetWeight',
    'CreateLoadBalancer',
    'DeleteListener',
    'SetLoadBalancerSecurityGroups',
    'Describe',
  ])('send no %s', async action => {
    await expect(carriers.clb.call(action, {}, signal)).rejects.toThrow(WriteWhileObservingError);
    expect(sent).toEqual([]);
  });
});
