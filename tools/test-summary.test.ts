import { expect, test } from 'vitest';
import { summarize } from './test-summary.ts';

const needsRoot = { path: 'agent/drain/nft.test.ts', name: 'redirects', reason: 'needs root to make a namespace' };

test('a run without skipped tests ends in one line', () => {
  expect(summarize({ passed: 3, failed: 0, skipped: [] }, [])).toEqual({ text: '3 passed, 0 failed', exitCode: 0 });
});

test('skipped tests are told with their reason and counted', () => {
  expect(summarize({ passed: 3, failed: 0, skipped: [needsRoot] }, [])).toEqual({
    text: 'skipped: agent/drain/nft.test.ts > redirects: needs root to make a namespace\n3 passed, 0 failed, 1 skipped',
    exitCode: 0,
  });
});

test('a skipped test that has to run counts as failed', () => {
  const { text, exitCode } = summarize({ passed: 3, failed: 0, skipped: [needsRoot] }, ['namespace']);
  expect(text).toMatch(/^FAILED because it was skipped: .*\n3 passed, 1 failed$/);
  expect(exitCode).toBe(1);
});

test('a failed test, and a run of no test at all, fail', () => {
  expect(summarize({ passed: 3, failed: 1, skipped: [] }, []).exitCode).toBe(1);
  expect(summarize({ passed: 0, failed: 0, skipped: [] }, []).exitCode).toBe(1);
});
