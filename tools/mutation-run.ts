import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Clock, systemClock } from '../common/clock.ts';
import { deadline } from '../common/deadline.ts';
import { run } from './child-process.ts';
import {
  type JsonReport,
  judgeMutant,
  judgeRun,
  type Mutant,
  type MutantVerdict,
  readMutant,
  type TestedMutant,
  type TestRun,
} from './mutant.ts';

/** A mutant may turn a loop endless. */
const TEST_TIMEOUT_MS = 180_000;

export interface MutantResult {
  readonly mutant: TestedMutant;
  readonly verdict: MutantVerdict;
  readonly seconds: number;
}

/** The mutants of a folder, by name. @throws Error when the head of a patch is malformed. */
export async function readMutants(folder: string): Promise<Mutant[]> {
  const files = (await readdir(folder)).filter(file => file.endsWith('.patch')).sort();
  return Promise.all(
    files.map(async file => {
      const path = join(folder, file);
      return readMutant(path, await readFile(path, 'utf8'));
    }),
  );
}

/**
 * Tries each mutant in a temporary copy of what git tracks or would track in `root`, whose node_modules it shares.
 * `tell` hears each result as it comes.
 */
export async function runMutants(
  root: string,
  mutants: readonly TestedMutant[],
  tell: (result: MutantResult) => void,
): Promise<MutantResult[]> {
  const copy = await mkdtemp(join(tmpdir(), 'clb-direct-mutants-'));
  try {
    await copyTree(root, copy);
    const clock = systemClock();
    const unmutated = new Map<string, TestRun>();
    const results: MutantResult[] = [];
    for (const mutant of mutants) {
      const startedAt = clock.now();
      const verdict = await tryMutant(copy, mutant, unmutated, clock);
      const result = { mutant, verdict, seconds: (clock.now() - startedAt) / 1000 };
      results.push(result);
      tell(result);
    }
    return results;
  } finally {
    await rm(copy, { recursive: true });
  }
}

/** Copies what git tracks or would track in `root`, and shares its node_modules. */
export async function copyTree(root: string, copy: string): Promise<void> {
  const listed = await run('git', ['ls-files', '-co', '--exclude-standard', '--deduplicate'], { cwd: root });
  const gone = await run('git', ['ls-files', '-d'], { cwd: root });
  if (listed.exitCode !== 0) throw new Error(`git ls-files failed in ${root}: ${listed.output}`);
  const missing = new Set(gone.output.split('\n'));
  for (const path of listed.output.split('\n').filter(each => each !== '' && !missing.has(each))) {
    await mkdir(dirname(join(copy, path)), { recursive: true });
    await cp(join(root, path), join(copy, path), { verbatimSymlinks: true });
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
}

async function tryMutant(
  copy: string,
  mutant: TestedMutant,
  unmutated: Map<string, TestRun>,
  clock: Clock,
): Promise<MutantVerdict> {
  const key = `${mutant.test.path} ${mutant.test.name}`;
  const without = unmutated.get(key) ?? (await runTest(copy, mutant, clock));
  unmutated.set(key, without);
  if (!(await patch(copy, mutant, []))) return judgeMutant(without, 'does not apply');
  const mutated = await runTest(copy, mutant, clock);
  const restored = await patch(copy, mutant, ['--reverse']);
  if (!restored) throw new Error(`${mutant.patchFile} could not be taken back`);
  return judgeMutant(without, mutated);
}

/** @returns whether the patch could be applied */
export async function patch(copy: string, mutant: Mutant, flags: readonly string[]): Promise<boolean> {
  const { exitCode } = await run('git', ['apply', ...flags, mutant.patchFile], { cwd: copy });
  return exitCode === 0;
}

async function runTest(copy: string, { test: { path, name: fullName } }: TestedMutant, clock: Clock): Promise<TestRun> {
  const report = join(copy, '.mutant-report.json');
  await rm(report, { force: true });
  using limit = deadline(clock, path, TEST_TIMEOUT_MS);
  const name = fullName.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const args = ['run', path, '-t', name, '--reporter=json', `--outputFile=${report}`];
  await run('vitest', args, { cwd: copy, signal: limit.signal });
  const text = await readFile(report, 'utf8').catch(() => undefined);
  return judgeRun(text === undefined ? undefined : (JSON.parse(text) as JsonReport), limit.signal.aborted);
}
