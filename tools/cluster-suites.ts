import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { countsOf } from '../test/cluster/side-by-side.ts';
import type { TestSummary } from './test-summary.ts';

/** `npm run test:cluster` exits with this when something that it needs is missing, and says what in its last line. */
const MISSING = 2;
/** Those for which every change has the time, 7 minutes; `npm run test:cluster` runs the others too. */
const SUITES_OF_EVERY_CHANGE = ['cluster', 'differential', 'ingress', 'install', 'order'];

/** Runs the suites on real kubelets that every change has to pass, showing what they print; one skipped test where they cannot run here. */
export async function runClusterSuites(): Promise<TestSummary> {
  const script = fileURLToPath(new URL('../test/cluster/run.ts', import.meta.url));
  const child = spawn(process.execPath, [script, ...SUITES_OF_EVERY_CHANGE], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const show = (to: NodeJS.WriteStream) => (chunk: Buffer) => {
    to.write(chunk);
    lines.push(
      ...String(chunk)
        .split('\n')
        .filter(line => line.trim() !== ''),
    );
  };
  child.stdout.on('data', show(process.stdout));
  child.stderr.on('data', show(process.stderr));
  const exitCode = await new Promise<number>(resolve => child.on('close', code => resolve(code ?? 1)));
  return clusterSummary(exitCode, lines.at(-1) ?? '');
}

/** What the run's exit code and last line say. */
export function clusterSummary(exitCode: number, lastLine: string): TestSummary {
  if (exitCode === MISSING) {
    const skipped = { path: 'test/cluster/suites', name: 'the suites on real kubelets', reason: lastLine };
    return { passed: 0, failed: 0, failures: [], skipped: [skipped] };
  }
  const { passed, failed } = countsOf(lastLine);
  return { passed, failed, failures: [], skipped: [] };
}
