import { expect, test } from 'vitest';
import { summarize } from './test-summary.ts';

const needsRoot = { path: 'agent/drain/nft.test.ts', name: 'redirects', reason: 'needs root to make a namespace' };

test('a run without skipped tests ends in one line', () => {
  expect(summarize({ passed: 3, failed: 0, failures: [], skipped: [] }, [])).toEqual({
    text: '3 passed, 0 failed',
    exitCode: 0,
  });
});

test('skipped tests are told with their reason and counted', () => {
  expect(summarize({ passed: 3, failed: 0, failures: [], skipped: [needsRoot] }, [])).toEqual({
    text: 'skipped: agent/drain/nft.test.ts > redirects: needs root to make a namespace\n3 passed, 0 failed, 1 skipped',
    exitCode: 0,
  });
});

test('a skipped test that has to run counts as failed', () => {
  const { text, exitCode } = summarize({ passed: 3, failed: 0, failures: [], skipped: [needsRoot] }, ['namespace']);
  expect(text).toMatch(/^FAILED because it was skipped: .*\n3 passed, 1 failed$/);
  expect(exitCode).toBe(1);
});

test('a failed test, and a run of no test at all, fail', () => {
  expect(summarize({ passed: 3, failed: 1, failures: [], skipped: [] }, []).exitCode).toBe(1);
  expect(summarize({ passed: 0, failed: 0, failures: [], skipped: [] }, []).exitCode).toBe(1);
});

test('a failed test is told near the end, on one line, with what it said', () => {
  const failure = { path: 'coordinator/core/laws.test.ts', name: 'L2', message: 'Property failed\n{ seed: 7 }' };
  const { text } = summarize({ passed: 3, failed: 1, failures: [failure], skipped: [] }, []);
  expect(text).toBe('failed: coordinator/core/laws.test.ts > L2: Property failed { seed: 7 }\n3 passed, 1 failed');
});
