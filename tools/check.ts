import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../common/clock.ts';
import { run } from './child-process.ts';
import { checkStructure } from './structure.ts';
import { textTable } from './text-table.ts';

/** `npm run check`: everything that holds without running the program. Each step says what to do when it fails. */

interface Step {
  readonly name: string;
  readonly advice: string;
  readonly perform: () => Promise<StepResult>;
}

interface StepResult {
  readonly ok: boolean;
  /** What failed, each with file and line. */
  readonly output: string;
  /** Worth a look although it is no failure. */
  readonly note?: string;
}

const ROOT = join(import.meta.dirname, '..');
const CONCURRENT_STEPS = 2;

function program(command: string, ...args: string[]): () => Promise<StepResult> {
  return async () => {
    const { exitCode, output } = await run(command, args, { cwd: ROOT });
    return { ok: exitCode === 0, output };
  };
}

const STEPS: readonly Step[] = [
  { name: 'types', advice: 'correct the types', perform: program('tsc', '-p', '.', '--pretty', 'false') },
  {
    name: 'biome',
    advice: 'npx biome check --write . corrects most of it',
    perform: program('biome', 'check', '--error-on-warnings', '--max-diagnostics=100', '.'),
  },
  { name: 'structure', advice: 'the rules stand in tools/structure-rules.ts', perform: structure },
  {
    name: 'unused',
    advice: 'delete it, or stop exporting it; knip.json names the entry points',
    perform: program('knip', '--no-progress'),
  },
  { name: 'buf lint', advice: 'correct the proto files', perform: program('buf', 'lint') },
  {
    name: 'buf breaking',
    advice: 'a released agent would not understand this: add a field with a new number instead',
    perform: program('buf', 'breaking', '--against', 'proto/released.binpb'),
  },
  {
    name: 'chart docs',
    advice: 'npm run chart-docs, and commit its README.md and values.schema.json',
    perform: program(process.execPath, 'tools/chart-docs.ts', '--check'),
  },
  {
    name: 'dashboards',
    advice: 'npm run dashboards, and commit charts/clb-direct',
    perform: program('node', 'tools/dashboards.ts', '--check'),
  },
  { name: 'generated', advice: 'npm run generate, and commit proto/gen', perform: generated },
];

async function structure(): Promise<StepResult> {
  const report = checkStructure(await trackedSources());
  const long = report.longFiles.length > 0 ? `, ${report.longFiles.length} files over 300 lines` : '';
  return {
    ok: report.findings.length === 0,
    output: report.findings.map(({ path, line, message }) => `${path}:${line} ${message}`).join('\n'),
    note: `${report.files} files${long}, median function ${report.functionLinesMedian} lines`,
  };
}

/** Sources that git tracks or would track. */
async function trackedSources() {
  const { output } = await run('git', ['ls-files', '-co', '--exclude-standard', '--deduplicate', '*.ts'], {
    cwd: ROOT,
  });
  const { output: deleted } = await run('git', ['ls-files', '-d', '*.ts'], { cwd: ROOT });
  const gone = new Set(deleted.split('\n'));
  const paths = output.split('\n').filter(path => path !== '' && !path.startsWith('proto/gen/') && !gone.has(path));
  return paths.map(path => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

async function generated(): Promise<StepResult> {
  const folder = await mkdtemp(join(tmpdir(), 'clb-direct-generated-'));
  try {
    const made = await run('buf', ['generate', '--output', folder], { cwd: ROOT });
    if (made.exitCode !== 0) return { ok: false, output: made.output };
    const compared = await run('diff', ['-r', '-q', join(ROOT, 'proto/gen'), join(folder, 'proto/gen')], { cwd: ROOT });
    return { ok: compared.exitCode === 0, output: compared.output };
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Timed extends StepResult {
  readonly step: Step;
  readonly seconds: number;
}

async function perform(step: Step): Promise<Timed> {
  const clock = systemClock();
  const startedAt = clock.now();
  const result = await step.perform().catch((error: Error) => ({ ok: false, output: error.message }));
  return { ...result, step, seconds: (clock.now() - startedAt) / 1000 };
}

/** All steps, two at a time, in the order given. */
async function performAll(steps: readonly Step[]): Promise<Timed[]> {
  const results: Timed[] = [];
  const queue = [...steps.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await perform(next[1]);
  };
  await Promise.all(Array.from({ length: CONCURRENT_STEPS }, worker));
  return results;
}

const results = await performAll(STEPS);
const rows = results.map(({ step, ok, seconds, note }) => [
  step.name,
  ok ? 'ok' : 'FAILED',
  `${seconds.toFixed(1)} s`,
  note ?? '',
]);
console.log(textTable([['step', 'result', 'time', ''], ...rows]));
for (const { step, output } of results.filter(result => !result.ok)) {
  console.log(`\n${step.name} FAILED: ${step.advice}\n${output.trimEnd()}`);
}
process.exitCode = results.every(result => result.ok) ? 0 : 1;
