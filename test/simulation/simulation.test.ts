import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { lostTotal } from './model-client.ts';
import { runScenario } from './scenario.ts';

const MINUTE_MS = 60_000;
const run = promisify(execFile);

/** A simulation in a process of its own, where nothing can reach the real world. */
async function simulateApart(...flags: string[]): Promise<string> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const { stdout } = await run(process.execPath, [main, '--apart', ...flags]);
  return stdout;
}

function digestOf(output: string): string {
  return /[0-9a-f]{64}/.exec(output)?.[0] ?? 'no digest';
}

describe('the whole system in virtual time', () => {
  test('an hour of rolling updates, scaling and deletions under load loses no request and breaks no law', async () => {
    const report = await runScenario({ seed: 1, durationMs: 60 * MINUTE_MS });
    expect(report.breaches).toEqual([]);
    expect([...report.lost]).toEqual([]);
    expect(report.sent).toBeGreaterThan(100_000);
    expect(report.replacedPods).toBeGreaterThan(50);
  }, 120_000);

  test.each([2, 3, 4])('ten minutes of seed %i lose nothing', async seed => {
    const report = await runScenario({ seed, durationMs: 10 * MINUTE_MS });
    expect({ lost: [...report.lost], breaches: report.breaches }).toEqual({ lost: [], breaches: [] });
  });

  test('the same changes lose requests when Pods have the gate and no hook', async () => {
    const report = await runScenario({ seed: 1, durationMs: 10 * MINUTE_MS, hooked: false });
    expect(lostTotal(report.lost)).toBeGreaterThan(0);
  });

  test.each([12, 34])(
    'four minutes of seed %i in which one thing after another goes wrong lose nothing',
    async seed => {
      const report = await runScenario({ seed, durationMs: 4 * MINUTE_MS, faults: true });
      expect({ lost: [...report.lost], breaches: report.breaches }).toEqual({ lost: [], breaches: [] });
      expect(report.misfortunes.length).toBeGreaterThan(10);
    },
  );

  test('two processes that can reach nothing real write the same log for one seed, and another for another', async () => {
    const [first, second, other] = await Promise.all([
      simulateApart('--seed', '7', '--minutes', '10'),
      simulateApart('--seed', '7', '--minutes', '10'),
      simulateApart('--seed', '8', '--minutes', '10'),
    ]);
    expect(digestOf(first)).toMatch(/^[0-9a-f]{64}$/);
    expect(digestOf(second)).toBe(digestOf(first));
    expect(digestOf(other)).not.toBe(digestOf(first));
  });
});
