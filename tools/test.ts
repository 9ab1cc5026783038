import { parseArgs } from 'node:util';
import { type Reporter, startVitest, type TestModule } from 'vitest/node';
import { runClusterSuites } from './cluster-suites.ts';
import { addSummaries, type FailedTest, type SkippedTest, summarize, type TestSummary } from './test-summary.ts';

const USAGE = `npm test [-- [options] [path …]]

Runs the tests whose path holds one of the given words, or all of them: then also the shorter suites on real kubelets
(npm run test:cluster), which need root, Go and the Debian packages of test/cluster/packages.txt.

  -t, --name PATTERN    only tests whose name matches
  --require WORD,…      a skipped test counts as failed when its path, name or reason holds one of the words
  --help                this text`;

function readArguments() {
  const options = {
    name: { type: 'string', short: 't' },
    require: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  } as const;
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    console.error(`npm test: ${(error as Error).message.split('\n')[0]}`);
    process.exit(2);
  }
}

/** Counts what vitest reports. */
class Counter implements Reporter {
  #summary: TestSummary = { passed: 0, failed: 0, failures: [], skipped: [] };

  get summary(): TestSummary {
    return this.#summary;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap(module => [...module.children.allTests()]);
    const inState = (state: string) => tests.filter(test => test.result().state === state);
    // A file that fails outside its tests, for example while it is loaded.
    const brokenFiles = modules.filter(module => module.errors().length > 0);
    const skipped = inState('skipped').map((test): SkippedTest => {
      const result = test.result();
      const reason = 'note' in result ? (result.note ?? '') : '';
      return { path: test.module.relativeModuleId, name: test.fullName, reason };
    });
    const failures = [
      ...inState('failed').map(test => failedTest(test.module, test.fullName, test.result().errors ?? [])),
      ...brokenFiles.map(module => failedTest(module, 'the file itself', module.errors())),
      ...inState('pending').map(test => failedTest(test.module, test.fullName, [{ message: 'never ended' }])),
    ];
    const failed = failures.length + errors.length;
    this.#summary = { passed: inState('passed').length, failed, failures, skipped };
  }
}

function failedTest(module: TestModule, name: string, errors: readonly { message: string }[]): FailedTest {
  return { path: module.relativeModuleId, name, message: errors.map(error => error.message).join('; ') };
}

const { values, positionals } = readArguments();
if (values.help) {
  console.log(USAGE);
} else {
  const counter = new Counter();
  const name = values.name === undefined ? {} : { testNamePattern: values.name };
  const vitest = await startVitest('test', positionals, { watch: false, reporters: ['default', counter], ...name });
  await vitest.close();
  const required = values.require.split(',').filter(word => word !== '');
  // With a name pattern every other test counts as skipped, which nobody wants to read.
  const own = values.name === undefined ? counter.summary : { ...counter.summary, skipped: [] };
  const isWhole = values.name === undefined && positionals.length === 0;
  const summary = isWhole ? addSummaries(own, await runClusterSuites()) : own;
  const { text, exitCode } = summarize(summary, required);
  console.log(`\n${text}`);
  process.exitCode = exitCode;
}
