import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Mutant } from './mutant.ts';
import { copyTree, patch, readMutants } from './mutation-run.ts';
import { textTable } from './text-table.ts';

/**
 * `npm run simulate:mutants [-- options] [word …]`: breaks the product on purpose, one bug after another, and tells after how
 * many seeds of turmoil the simulation noticed, and by which law.
 */

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'test/mutants');
/** Of those that a simulation can see at all: the others are about limits and refusals that no seed meets. */
const SEEN = /^l([1-8]|12)-/;

/** As much of a worker's line as counts here. */
interface Line {
  readonly report: { readonly seed: number; readonly breaches: readonly { readonly law: string }[] };
}

interface Catch {
  readonly laws: readonly string[];
  readonly seeds: number;
}

const { values, positionals } = parseArgs({
  options: { seeds: { type: 'string', default: '20' }, minutes: { type: 'string', default: '4' } },
  allowPositionals: true,
});

/** Plays seeds in `folder` until `isEnough` says so. */
function play(folder: string, onLine: (line: Line) => 'go on' | 'enough'): Promise<void> {
  const flags = ['--seeds', values.seeds, '--minutes', values.minutes, '--shrink', '0', '--jobs', '1', '--worker', '0'];
  const child = spawn(process.execPath, [join(folder, 'test/simulation/main.ts'), ...flags], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  createInterface({ input: child.stdout }).on('line', text => {
    if (onLine(JSON.parse(text) as Line) === 'enough') child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve());
  });
}

/** The laws that each seed breaks without any mutant. */
async function lawsBroken(folder: string): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const found = new Map<number, ReadonlySet<string>>();
  await play(folder, ({ report }) => {
    found.set(report.seed, new Set(report.breaches.map(({ law }) => law)));
    return 'go on';
  });
  return found;
}

/** @returns undefined when no seed showed anything that is not there without it */
async function hunt(
  folder: string,
  mutant: Mutant,
  without: ReadonlyMap<number, ReadonlySet<string>>,
): Promise<Catch | 'does not apply' | undefined> {
  if (!(await patch(folder, mutant, []))) return 'does not apply';
  let seeds = 0;
  let caught: Catch | undefined;
  await play(folder, ({ report }) => {
    seeds += 1;
    const laws = new Set(report.breaches.map(({ law }) => law));
    const news = [...laws].filter(law => !without.get(report.seed)?.has(law));
    if (news.length > 0) caught = { laws: news, seeds };
    return caught ? 'enough' : 'go on';
  });
  if (!(await patch(folder, mutant, ['--reverse']))) throw new Error(`${mutant.patchFile} could not be taken back`);
  return caught;
}

const all = (await readMutants(FOLDER)).filter(({ name }) => SEEN.test(name));
const mutants = all.filter(({ name }) => positionals.length === 0 || positionals.some(word => name.includes(word)));
const copy = await mkdtemp(join(tmpdir(), 'clb-direct-simulated-mutants-'));
const rows: string[][] = [];
let caughtCount = 0;
try {
  await copyTree(ROOT, copy);
  const without = await lawsBroken(copy);
  for (const mutant of mutants) {
    const result = await hunt(copy, mutant, without);
    if (result && result !== 'does not apply') caughtCount += 1;
    const text = result === undefined ? 'not seen' : result === 'does not apply' ? result : result.laws.join(', ');
    const seeds = result && result !== 'does not apply' ? String(result.seeds) : '';
    rows.push([mutant.law, mutant.name, text, seeds]);
    console.error(rows.at(-1)?.join('  '));
  }
} finally {
  await rm(copy, { recursive: true });
}
console.log(`\n${textTable([['law', 'mutant', 'seen as', 'after seeds'], ...rows])}`);
console.log(`\n${caughtCount} of ${mutants.length} seen by the simulation`);
