import { expect, test } from 'vitest';
import { describeToken } from './token-check.ts';

const NOW_MS = 1_800_000_000_000;
const AGENT = { nodeName: 'node1', wallNowMs: NOW_MS };
const CLAIMS = {
  aud: ['clb-direct'],
  exp: NOW_MS / 1_000 + 3_000,
  'kubernetes.io': { node: { name: 'node1' }, pod: { name: 'agent-x' } },
};

const tokenOf = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;

test('a token that coordinators take is told with its Pod, its node and its time', () => {
  expect(describeToken(tokenOf(CLAIMS), AGENT)).toBe('of Pod agent-x on node1, valid for 50 min');
  expect(describeToken(tokenOf({ ...CLAIMS, aud: 'clb-direct' }), AGENT)).toContain('agent-x');
});

test.each([
  ['for another audience', { ...CLAIMS, aud: ['https://kubernetes'] }, 'for https://kubernetes, not for clb-direct'],
  ['that has expired', { ...CLAIMS, exp: NOW_MS / 1_000 - 1 }, 'has expired'],
  ['of no node', { ...CLAIMS, 'kubernetes.io': {} }, 'bound to no node'],
  ['of another node', { ...CLAIMS, 'kubernetes.io': { node: { name: 'node2' } } }, 'bound to node node2'],
])('a token %s is refused with a remedy', (_, claims, cause) => {
  expect(() => describeToken(tokenOf(claims), AGENT)).toThrow(
    expect.objectContaining({
      name: 'CheckError',
      message: expect.stringContaining(cause),
      remedy: expect.any(String),
    }),
  );
});

test.each(['', 'opaque', 'a.b.c', tokenOf('text'), tokenOf(null)])('of %j nothing is known', token => {
  expect(describeToken(token, AGENT)).toBe('a token that tells nothing of itself');
});
