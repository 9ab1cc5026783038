import { expect, test } from 'vitest';
import { inNamespace, missingPrerequisite, NAMESPACE_TIMEOUT_MS } from './in-namespace.fixture.ts';

interface Latencies {
  readonly calls: number;
  readonly failed: readonly (number | string)[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Outcome {
  readonly quiet: Latencies;
  readonly busy: Latencies;
  readonly rssGrowthMiB: number;
  readonly answers: Readonly<Record<string, number>>;
}

const JUNK = 10_000;

test('ten thousand calls for nothing do not reach an agent behind a redirect', {
  timeout: NAMESPACE_TIMEOUT_MS,
}, async ({ skip }) => {
  const missing = missingPrerequisite();
  if (missing) return skip(missing);
  const outcome = (await inNamespace(new URL('./junk.fixture.ts', import.meta.url), 'nft', String(JUNK))) as Outcome;
  expect(outcome.answers).toEqual({ none: JUNK });
  expect(outcome.busy.failed).toEqual([]);
  expect(outcome.rssGrowthMiB).toBeLessThan(32);
});

test('where they do reach it, they cost it bounded memory, and every hook is held all the same', {
  timeout: NAMESPACE_TIMEOUT_MS,
}, async ({ skip }) => {
  const missing = missingPrerequisite();
  if (missing) return skip(missing);
  const outcome = (await inNamespace(new URL('./junk.fixture.ts', import.meta.url), 'off', String(JUNK))) as Outcome;
  expect(outcome.answers['200']).toBeUndefined();
  expect(outcome.busy.calls).toBeGreaterThan(0);
  expect(outcome.busy.failed).toEqual([]);
  expect(outcome.rssGrowthMiB).toBeLessThan(160);
});
