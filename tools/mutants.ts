import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isTested } from './mutant.ts';
import { type MutantResult, readMutants, runMutants } from './mutation-run.ts';
import { textTable } from './text-table.ts';

/** `npm run mutants [word …]`: breaks one law after another on purpose; each named test must turn red. */

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'test/mutants');

function row({ mutant, verdict, seconds }: MutantResult): string[] {
  return [
    mutant.law,
    mutant.name,
    `${mutant.test.path} -t "${mutant.test.name}"`,
    verdict.text,
    `${seconds.toFixed(1)} s`,
  ];
}

const words = process.argv.slice(2);
const all = existsSync(FOLDER) ? (await readMutants(FOLDER)).filter(isTested) : [];
const mutants = all.filter(mutant => words.length === 0 || words.some(word => mutant.name.includes(word)));
if (mutants.length === 0) {
  console.error(
    `npm run mutants: no patch in ${FOLDER}${words.length > 0 ? ` is named like ${words.join(', ')}` : ''}`,
  );
  process.exit(2);
}
const results = await runMutants(ROOT, mutants, result => console.error(row(result).join('  ')));
console.log(`\n${textTable([['law', 'mutant', 'test', 'result', 'time'], ...results.map(row)])}`);
const survivors = results.filter(result => !result.verdict.ok).length;
console.log(`\n${results.length - survivors} killed, ${survivors} not`);
process.exitCode = survivors > 0 ? 1 : 0;
