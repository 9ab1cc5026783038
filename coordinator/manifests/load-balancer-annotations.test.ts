import { expect, test } from 'vitest';
import {
  type LoadBalancerSource,
  readLoadBalancerWish,
  SERVICE_LOAD_BALANCER_KEYS,
} from './load-balancer-annotations.ts';

const BANDWIDTH = 'service.kubernetes.io/qcloud-loadbalancer-internet-max-bandwidth-out';
const OLD_BANDWIDTH = 'kubernetes.io/service.internetMaxBandwidthOut';
const PARAMETERS = 'service.kubernetes.io/service.extensiveParameters';
const GROUPS = 'service.cloud.tencent.com/security-groups';

function wish(annotations: Record<string, string>, source: LoadBalancerSource = 'public') {
  const object = { kind: 'Service', namespace: 'default', name: 'web', annotations } as const;
  return readLoadBalancerWish(object, SERVICE_LOAD_BALANCER_KEYS, source);
}

test('nothing is wished where nothing is written', () => {
  const nothing = { creation: undefined, isHeld: false, settings: undefined, retains: false, problems: [] };
  expect(wish({})).toEqual(nothing);
  expect(wish({}, 'existing')).toEqual(nothing);
});

test('of two spellings the newer counts', () => {
  expect(wish({ [BANDWIDTH]: '5', [OLD_BANDWIDTH]: '6' }).creation).toEqual({ maxBandwidthMbps: 5 });
  expect(wish({ [OLD_BANDWIDTH]: '6' }).settings).toEqual({ maxBandwidthMbps: 6 });
});

test.each(['0', '2049', '1.5', '-1', ' 5', 'many', ''])('a bandwidth of "%s" holds the creation back', value => {
  const { isHeld, creation, problems } = wish({ [BANDWIDTH]: value });
  expect({ isHeld, creation, codes: problems.map(({ code }) => code) }).toEqual({
    isHeld: true,
    creation: undefined,
    codes: ['CD1001'],
  });
});

test.each(['1', '2048'])('a bandwidth of %s is one', value => {
  expect(wish({ [BANDWIDTH]: value }).problems).toEqual([]);
});

test('what can be corrected later holds no creation back', () => {
  const { isHeld, settings, problems } = wish({ [GROUPS]: 'group-1', [BANDWIDTH]: '5' });
  expect({ isHeld, settings, codes: problems.map(({ code }) => code) }).toEqual({
    isHeld: false,
    settings: { maxBandwidthMbps: 5 },
    codes: ['CD1001'],
  });
});

test.each(['LoadBalancerType', 'Number', 'Tags', 'ClientToken', 'VpcId', 'SnatPro', 'Invented'])(
  'the parameter %s is refused by name',
  name => {
    const { isHeld, problems } = wish({ [PARAMETERS]: JSON.stringify({ [name]: 'x' }) });
    expect(isHeld).toBe(true);
    expect(problems).toMatchObject([{ code: 'CD1022', message: expect.stringContaining(name) }]);
  },
);

test('of a load balancer of others everything that is written is named, and nothing wished', () => {
  const { settings, problems } = wish({ [BANDWIDTH]: 'many', [GROUPS]: 'sg-a1' }, 'existing');
  expect(settings).toBeUndefined();
  expect(problems).toMatchObject([{ code: 'CD1023', message: expect.stringContaining(`${BANDWIDTH}, ${GROUPS}`) }]);
});
