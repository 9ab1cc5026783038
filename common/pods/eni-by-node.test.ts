import { describe, expect, test } from 'vitest';
import { detectEni, UNDECIDED_ENI } from './detect-eni.ts';
import { eniByNode } from './eni-by-node.ts';
import { kubePod, podRecord } from './pod.fixture.ts';

const ENI_IP = 'tke.cloud.tencent.com/eni-ip';
const MIXED = { eniResource: ENI_IP, podCidrs: ['172.16.0.0/26', 'fd00:16::/64'] };
const unmarked = (...addresses: string[]) => podRecord({ eni: UNDECIDED_ENI, addresses });
const isAttached = (record: ReturnType<typeof podRecord>, network = MIXED) => eniByNode(record, network).eni?.attached;

describe('a Pod without any mark', () => {
  test('is on an elastic network interface where the node offers them and has no range of its own', () => {
    const { eni } = eniByNode(unmarked('10.0.0.5'), { eniResource: ENI_IP, podCidrs: [] });
    expect(eni).toEqual({ attached: true, reason: `the node offers ${ENI_IP} and has no podCIDR` });
  });

  test("is on one where its address lies outside of the node's range, and not within", () => {
    expect(isAttached(unmarked('10.0.0.5'))).toBe(true);
    expect(isAttached(unmarked('172.16.0.63'))).toBe(false);
    expect(isAttached(unmarked('172.16.0.64'))).toBe(true);
  });

  test('is on none when any of its addresses lies within', () => {
    expect(isAttached(unmarked('10.0.0.5', 'fd00:16::5'))).toBe(false);
  });

  test('is on none before it has an address, nor on a node without such interfaces', () => {
    expect(isAttached(unmarked())).toBe(false);
    const bridged = { eniResource: undefined, podCidrs: [] };
    expect(eniByNode(unmarked('10.0.0.5'), bridged).eni).toBe(UNDECIDED_ENI);
    expect(eniByNode(unmarked('10.0.0.5'), undefined).eni).toBe(UNDECIDED_ENI);
  });
});

test('a mark, and what the operator says, count for more than the node', () => {
  const networks = 'tke-bridge';
  const marked = detectEni(kubePod({ metadata: { annotations: { 'tke.cloud.tencent.com/networks': networks } } }), {
    pureVpcCni: 'auto',
  });
  expect(isAttached(podRecord({ eni: marked }))).toBe(false);
  const denied = detectEni(kubePod(), { pureVpcCni: false });
  expect(isAttached(podRecord({ eni: denied }))).toBe(false);
  expect(detectEni(kubePod(), { pureVpcCni: 'auto' })).toBe(UNDECIDED_ENI);
});
