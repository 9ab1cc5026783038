/** A patch that breaks a law on purpose, and the test that must notice. */
export interface Mutant {
  /** Of the patch file, without `.patch`. */
  readonly name: string;
  /** For example `L1`. */
  readonly law: string;
  /** Undefined: only the simulation has to notice it. */
  readonly test: MutantTest | undefined;
  /** Where the simulation must notice it; undefined: it need not. */
  readonly simulation: SimulatedHunt | undefined;
  readonly patchFile: string;
}

/** A mutant that a test has to notice. */
export type TestedMutant = Mutant & { readonly test: MutantTest };

export function isTested(mutant: Mutant): mutant is TestedMutant {
  return mutant.test !== undefined;
}

export interface SimulatedHunt {
  /** What can go wrong there. */
  readonly family: string;
  /** What it must be seen as; a breach of another law may be chance. */
  readonly law: string;
}

export interface MutantTest {
  readonly path: string;
  /** The full name of the test, or the part of it that no other test of the file has. */
  readonly name: string;
}

/**
 * Reads the head of a patch: `law: L1`, and at least one of `test: <path> -t "<name>"` and `simulation: <family of
 * troubles>`, each on a line of its own before the diff. `simulation: cloud as liveness` asks to be seen as something else
 * than the law.
 * @throws Error naming the file and what is missing.
 */
export function readMutant(patchFile: string, text: string): Mutant {
  const [head = ''] = text.split(/^(?:diff --git|--- )/m);
  const law = /^law: (L\d+)$/m.exec(head)?.[1];
  const test = /^test: (\S+) -t "(.+)"$/m.exec(head);
  if (law === undefined) throw new Error(`${patchFile} has no line such as \`law: L1\` before its diff`);
  const [, family, seenAs = law] = /^simulation: (\S+)(?: as (\S+))?$/m.exec(head) ?? [];
  const named = test?.[1] && test[2] ? { path: test[1], name: test[2] } : undefined;
  if (!named && family === undefined)
    throw new Error(`${patchFile} has no line such as \`test: path.test.ts -t "name"\` or \`simulation: turmoil\``);
  const name = patchFile.replace(/^.*\//, '').replace(/\.patch$/, '');
  return { name, law, test: named, simulation: family === undefined ? undefined : { family, law: seenAs }, patchFile };
}

/** What came of one run of the named test. */
export type TestRun = 'passed' | 'failed' | 'not found' | 'not loaded' | 'hung';

/** What of vitest's JSON report counts here. */
export interface JsonReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

export function judgeRun(report: JsonReport | undefined, hung: boolean): TestRun {
  if (hung) return 'hung';
  if (report === undefined) return 'not loaded';
  if (report.numFailedTests > 0) return 'failed';
  return report.numPassedTests > 0 ? 'passed' : 'not found';
}

export type MutantVerdict =
  | { readonly ok: true; readonly text: 'killed' }
  | { readonly ok: false; readonly text: string };

/** A mutant counts as killed only by the test it names, and only if that test is green without it. */
export function judgeMutant(unmutated: TestRun, mutated: TestRun | 'does not apply'): MutantVerdict {
  if (unmutated !== 'passed') return { ok: false, text: `the test without the mutant: ${unmutated}` };
  switch (mutated) {
    case 'failed':
    case 'hung':
      return { ok: true, text: 'killed' };
    case 'passed':
      return { ok: false, text: 'SURVIVED: the test does not see it' };
    case 'does not apply':
      return { ok: false, text: 'the patch no longer applies: make it anew' };
    case 'not found':
    case 'not loaded':
      return { ok: false, text: `the test with the mutant: ${mutated}` };
  }
}
