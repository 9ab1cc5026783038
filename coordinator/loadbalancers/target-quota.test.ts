import { expect, test } from 'vitest';
import { placedRule } from '../core/pod.fixture.ts';
import { quotaReached, targetQuotaOf } from './target-quota.ts';

test.each([
  ['500', 500],
  ['1', 1],
  [undefined, undefined],
  ['', undefined],
  ['0', undefined],
  ['-3', undefined],
  ['many', undefined],
  ['1e9', undefined],
])('the tag %s gives the quota %s', (text, quota) => {
  const tags: Record<string, string> = text === undefined ? {} : { 'clb-direct-target-quota': text };
  expect(targetQuotaOf({ tags })).toBe(quota);
});

test('who is told of the quota hears how many are left out, of what, and what to do', () => {
  const { code, message } = quotaReached(placedRule(), { loadBalancerId: 'lb-1', leftOut: 3, quota: 100 });
  expect(code).toBe('CD1011');
  expect(message).toMatch(/default\/web: port TCP:80 on lb-1 may have 100 targets, and 3 Pods are left out\. Ask/);
});
