import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from './child-process.ts';
import { isTested, judgeMutant, judgeRun, readMutant } from './mutant.ts';
import { readMutants, runMutants } from './mutation-run.ts';

describe('the head of a patch', () => {
  test('names law and test', () => {
    const text = 'law: L1\ntest: core/plan.test.ts -t "absence never removes"\n\n--- a/x\n+++ b/x\n';
    expect(readMutant('/mutants/absence.patch', text)).toEqual({
      name: 'absence',
      law: 'L1',
      test: { path: 'core/plan.test.ts', name: 'absence never removes' },
      simulation: undefined,
      patchFile: '/mutants/absence.patch',
    });
  });

  test('may name what has to go wrong for the simulation to notice it, with or without a test', () => {
    const read = (line: string) => readMutant('a.patch', `law: L1\n${line}\n\n--- a/x\n`);
    expect(read('simulation: bearable')).toMatchObject({
      simulation: { family: 'bearable', law: 'L1' },
      test: undefined,
    });
    expect(read('simulation: cloud as liveness')).toMatchObject({ simulation: { family: 'cloud', law: 'liveness' } });
  });

  test.each([
    ['test: x.test.ts -t "y"\n--- a/x\n', 'law: L1'],
    ['law: L1\n--- a/x\n+test: x.test.ts -t "y"\n', 'test: path'],
  ])('without one of them is refused with the name of the file', (text, missing) => {
    expect(() => readMutant('a.patch', text)).toThrow(/^a\.patch has no line/);
    expect(() => readMutant('a.patch', text)).toThrow(missing);
  });
});

test('a test that is not found, or does not load, kills nothing', () => {
  expect(judgeRun({ numPassedTests: 0, numFailedTests: 0 }, false)).toBe('not found');
  expect(judgeMutant('passed', judgeRun(undefined, false)).ok).toBe(false);
  expect(judgeMutant('failed', 'failed').ok).toBe(false);
  expect(judgeMutant('passed', 'hung').ok).toBe(true);
});

describe('a small repository', () => {
  let root = '';
  const head = (name: string) => `law: L1\ntest: sum.test.ts -t "${name}"\n\n`;
  const diff = (from: string, to: string) => `--- a/sum.ts\n+++ b/sum.ts\n@@ -1 +1 @@\n-${from}\n+${to}\n`;
  const SUM = 'export const sum = (a: number, b: number) => a + b;';
  const files = {
    '.gitignore': 'node_modules\n',
    'sum.ts': `${SUM}\n`,
    'sum.test.ts': `import { expect, test } from 'vitest';
import { sum } from './sum.ts';
test('adds (2 and 2)', () => expect(sum(2, 2)).toBe(4));
test('is broken anyway', () => expect(sum(1, 1)).toBe(3));
`,
    'mutants/1-killed.patch': head('adds (2 and 2)') + diff(SUM, SUM.replace('+', '-')),
    'mutants/2-survives.patch': head('adds (2 and 2)') + diff(SUM, SUM.replace('+', '*')),
    'mutants/3-stale.patch': head('adds (2 and 2)') + diff('export const gone = 1;', 'export const gone = 2;'),
    'mutants/4-red-before.patch': head('is broken anyway') + diff(SUM, SUM.replace('+', '-')),
    'mutants/5-no-test.patch': head('never written') + diff(SUM, SUM.replace('+', '-')),
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'clb-direct-mutants-test-'));
    await mkdir(join(root, 'mutants'));
    for (const [path, text] of Object.entries(files)) await writeFile(join(root, path), text);
    await symlink(join(import.meta.dirname, '../node_modules'), join(root, 'node_modules'));
    await run('git', ['init', '--quiet'], { cwd: root });
  });
  afterAll(() => rm(root, { recursive: true }));

  test('tells which mutants are killed and what is wrong with the others', async () => {
    const told: string[] = [];
    const mutants = (await readMutants(join(root, 'mutants'))).filter(isTested);
    const results = await runMutants(root, mutants, result => told.push(result.mutant.name));
    expect(results.map(({ mutant, verdict }) => [mutant.name, verdict.text])).toEqual([
      ['1-killed', 'killed'],
      ['2-survives', 'SURVIVED: the test does not see it'],
      ['3-stale', 'the patch no longer applies: make it anew'],
      ['4-red-before', 'the test without the mutant: failed'],
      ['5-no-test', 'the test without the mutant: not found'],
    ]);
    expect(told).toHaveLength(5);
  }, 120_000);
});
