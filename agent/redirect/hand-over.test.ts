import { expect, test } from 'vitest';
import { inNamespace, missingPrerequisite, NAMESPACE_TIMEOUT_MS } from './in-namespace.fixture.ts';

interface HandOvers {
  readonly handOvers: number;
  readonly calls: number;
  readonly lost: Readonly<Record<string, number>>;
}

test('over thirty hand-overs by the real nft no call is lost', { timeout: NAMESPACE_TIMEOUT_MS }, async ({ skip }) => {
  const missing = missingPrerequisite();
  if (missing) return skip(missing);
  const { handOvers, calls, lost } = (await inNamespace(
    new URL('./hand-over.fixture.ts', import.meta.url),
    'nft',
    '30',
  )) as HandOvers;
  expect({ handOvers, lost }).toEqual({ handOvers: 30, lost: {} });
  expect(calls).toBeGreaterThan(500);
});
