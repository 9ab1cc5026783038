import { expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { type Check, CheckError, isComplete, runChecks } from './check.ts';
import { checkTable } from './check-table.ts';

const check = (name: string, rest: Partial<Check>): Check => ({
  name,
  remedy: `repair ${name}`,
  look: async () => 'here',
  ...rest,
});
const refuses = (error: Error): Partial<Check> => ({ look: () => Promise.reject(error) });

async function look(...checks: Check[]) {
  return await runChecks(new VirtualClock(), checks);
}

test('what is there is told in one row each', async () => {
  const results = await look(check('A', {}), check('long name', { look: async () => 'two\nlines' }));
  expect(checkTable(results)).toBe(
    [
      'A          ok       here',
      'long name  ok       two lines',
      '',
      'The agent has all it can use on this node.',
    ].join('\n'),
  );
  expect(isComplete(results)).toBe(true);
});

test('what is missing is told with its remedy, and with what the agent does without it', async () => {
  const results = await look(
    check('A', refuses(new CheckError('not allowed', 'allow it'))),
    check('B', { ...refuses(new Error('gone')), without: 'it waits' }),
  );
  expect(checkTable(results)).toBe(
    [
      'A  MISSING  not allowed',
      '            remedy: allow it',
      'B  without  gone',
      '            so it waits; remedy: repair B',
      '',
      'The agent misses 1 of what it needs on this node, and 1 of what it could use.',
    ].join('\n'),
  );
  expect(isComplete(results)).toBe(false);
});

test('an agent that misses only what it could use works', async () => {
  const results = await look(check('B', { ...refuses(new Error('gone')), without: 'it waits' }));
  expect(checkTable(results)).toContain('The agent works on this node, without 1 of what it could use.');
  expect(isComplete(results)).toBe(true);
});

test('all look at the same time, and one that finds no end is missing after 2 s', async () => {
  const clock = new VirtualClock();
  const results = runChecks(clock, [
    check('A', { look: () => new Promise(() => {}) }),
    check('B', { look: () => new Promise(() => {}) }),
    check('C', {}),
  ]);
  await clock.advance(2_000);
  expect((await results).map(({ finding }) => (finding.type === 'found' ? finding.what : finding.cause))).toEqual([
    'the look did not finish within 2000 ms',
    'the look did not finish within 2000 ms',
    'here',
  ]);
});
