import { expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { ChangeTeller } from './change-teller.ts';
import { type IntendedChange, intendedDeletion } from './intended-change.ts';

async function told(rounds: readonly (readonly IntendedChange[])[]): Promise<unknown[]> {
  const clock = new VirtualClock();
  const log = new CollectingLogger();
  const stop = new AbortController();
  let round = 0;
  const intended = () => rounds[round++] ?? [];
  const done = new ChangeTeller({ clock, log, intended }).run(stop.signal);
  await clock.advance(rounds.length * 5_000);
  stop.abort();
  await done;
  return log.records.map(({ message, fields }) => fields.loadBalancer ?? `${message}: ${fields.changes}`);
}

const gone = (id: string) => intendedDeletion(id);

test('a change is told once as long as it stands, and again when it comes back', async () => {
  expect(await told([[gone('lb-1')], [gone('lb-1'), gone('lb-2')], [gone('lb-2')], [gone('lb-1')]])).toEqual([
    'lb-1',
    'lb-2',
    'lb-1',
  ]);
});

test('of many changes the first hundred are told and the rest are counted', async () => {
  const lines = await told([Array.from({ length: 130 }, (_, index) => gone(`lb-${index}`))]);
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toBe('would change more in CLB: 30');
});
