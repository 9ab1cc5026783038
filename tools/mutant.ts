/** A patch that breaks a law on purpose, and the test that must notice. */
export interface Mutant {
  /** Of the patch file, without `.patch`. */
  readonly name: string;
  /** For example `L1`. */
  readonly law: string;
  readonly testPath: string;
  /** The full name of the test, or the part of it that no other test of the file has. */
  readonly testName: string;
  /** Where the simulation must notice it, too; undefined: it need not. */
  readonly simulation: SimulatedWorld | undefined;
  readonly patchFile: string;
}

/** `turmoil`: everything happens; `bearable`: only what excuses no lost request. */
export type SimulatedWorld = 'turmoil' | 'bearable';

/**
 * Reads the head of a patch: `law: L1` and `test: <path> -t "<name>"`, each on a line of its own before the diff, and
 * `simulation: turmoil` or `simulation: bearable` where the simulation must notice it, too.
 * @throws Error naming the file and what is missing.
 */
export function readMutant(patchFile: string, text: string): Mutant {
  const [head = ''] = text.split(/^(?:diff --git|--- )/m);
  const law = /^law: (L\d+)$/m.exec(head)?.[1];
  const test = /^test: (\S+) -t "(.+)"$/m.exec(head);
  if (law === undefined) throw new Error(`${patchFile} has no line such as \`law: L1\` before its diff`);
  if (!test?.[1] || !test[2]) throw new Error(`${patchFile} has no line such as \`test: path.test.ts -t "name"\``);
  const name = patchFile.replace(/^.*\//, '').replace(/\.patch$/, '');
  return { name, law, testPath: test[1], testName: test[2], simulation: worldIn(patchFile, head), patchFile };
}

function worldIn(patchFile: string, head: string): SimulatedWorld | undefined {
  const text = /^simulation: (.*)$/m.exec(head)?.[1];
  if (text === undefined || text === 'turmoil' || text === 'bearable') return text;
  throw new Error(`${patchFile} knows a simulated world "${text}"; there are turmoil and bearable`);
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
