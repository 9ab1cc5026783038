/** What a test run ended in, as `npm test` tells it. */
export interface TestSummary {
  readonly passed: number;
  /** Failed tests, files that could not be loaded, and errors outside any test. */
  readonly failed: number;
  /** What is known of those that failed; the suites on real kubelets tell only how many. */
  readonly failures: readonly FailedTest[];
  readonly skipped: readonly SkippedTest[];
}

export interface FailedTest {
  readonly path: string;
  readonly name: string;
  /** The error's message; of a property, it holds the seed and the counterexample. */
  readonly message: string;
}

/** Enough of a message for a seed and a small counterexample, and still short enough for the end of a log. */
const MESSAGE_CHARACTERS = 600;

export interface SkippedTest {
  readonly path: string;
  readonly name: string;
  /** What was missing; empty when the test does not say. */
  readonly reason: string;
}

export function addSummaries(a: TestSummary, b: TestSummary): TestSummary {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    failures: [...a.failures, ...b.failures],
    skipped: [...a.skipped, ...b.skipped],
  };
}

/**
 * The last lines of a run, where whoever sees only a log's end can still find them: each failed test with what it said,
 * each skipped one with its reason, then `N passed, N failed[, N skipped]`. A skipped test
 * counts as failed when its path, name or reason holds one of the words in `required`.
 */
export function summarize(summary: TestSummary, required: readonly string[]): { text: string; exitCode: 0 | 1 } {
  const missing = summary.skipped.filter(test => required.some(word => describe(test).toLowerCase().includes(word)));
  const skipped = summary.skipped.filter(test => !missing.includes(test));
  const failed = summary.failed + missing.length;
  const lines = [
    ...summary.failures.map(test => `failed: ${test.path} > ${test.name}: ${oneLine(test.message)}`),
    ...missing.map(test => `FAILED because it was skipped: ${describe(test)}`),
    ...skipped.map(test => `skipped: ${describe(test)}`),
    `${summary.passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
  ];
  return { text: lines.join('\n'), exitCode: failed > 0 || summary.passed === 0 ? 1 : 0 };
}

function describe({ path, name, reason }: SkippedTest): string {
  return `${path} > ${name}: ${reason || 'gives no reason (say it with context.skip("why"))'}`;
}

function oneLine(message: string): string {
  return message.replaceAll(/\s+/g, ' ').trim().slice(0, MESSAGE_CHARACTERS);
}
