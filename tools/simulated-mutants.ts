import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../common/clock.ts';
import { huntMutant } from './mutant-hunt.ts';
import { copyTree, readMutants } from './mutation-run.ts';
import { textTable } from './text-table.ts';

/**
 * `npm run simulate:mutants [-- options] [word …]`: breaks the product on purpose, one bug after another; the simulation
 * must notice each, and tells by which law. Without words, those whose patch says `simulation:`; with words, all that are
 * named like one of them.
 */

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'test/mutants');

const { values, positionals: words } = parseArgs({
  options: { seeds: { type: 'string', default: '16' }, minutes: { type: 'string', default: '4' } },
  allowPositionals: true,
});
const mutants = (await readMutants(FOLDER)).filter(({ name, simulation }) =>
  words.length === 0 ? simulation !== undefined : words.some(word => name.includes(word)),
);
if (mutants.length === 0) {
  console.error(`npm run simulate:mutants: no patch in ${FOLDER} is named like ${words.join(', ')}`);
  process.exit(2);
}
const folder = await mkdtemp(join(tmpdir(), 'clb-direct-simulated-mutants-'));
const [sound, broken] = [join(folder, 'sound'), join(folder, 'broken')];
const clock = systemClock();
const rows: string[][] = [];
let missedCount = 0;
try {
  for (const copy of [sound, broken]) await copyTree(ROOT, copy);
  const hunt = { sound, broken, seedsMax: Number(values.seeds), minutes: Number(values.minutes), clock };
  for (const mutant of mutants) {
    const startedAt = clock.now();
    const result = await huntMutant(hunt, mutant);
    if (result.type !== 'caught') missedCount += 1;
    const found = result.type === 'caught' ? [result.laws.join(', '), `${result.seed}`] : [result.type, ''];
    const seconds = `${((clock.now() - startedAt) / 1_000).toFixed(0)} s`;
    rows.push([mutant.law, mutant.name, mutant.simulation?.family ?? 'turmoil', ...found, `${result.played}`, seconds]);
    console.error(rows.at(-1)?.join('  '));
  }
} finally {
  await rm(folder, { recursive: true });
}
console.log(`\n${textTable([['law', 'bug', 'troubles', 'seen as', 'in seed', 'seeds played', 'time'], ...rows])}`);
console.log(`\n${mutants.length - missedCount} of ${mutants.length} seen by the simulation`);
process.exitCode = missedCount > 0 ? 1 : 0;
