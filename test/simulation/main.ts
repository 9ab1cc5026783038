import { parseArgs } from 'node:util';
import { forbidRealWorld } from './forbid-real-world.ts';
import { lostTotal } from './model-client.ts';
import { isClean, runScenario, type ScenarioReport } from './scenario.ts';

const USAGE = `Usage: npm run simulate -- [options]

The whole system in virtual time: every seed is another day of rolling updates, scaling and deletions under load.

  --seed NUMBER     first seed (1)
  --count NUMBER    how many seeds, one after another (1)
  --minutes NUMBER  of virtual time for each (60)
  --unhooked        Pods without the preStop hook, for contrast
  --faults          CLB misbehaves, leaders die, agents are upgraded, the API server goes away, as the seed draws it
  --apart           let nothing reach the real world: clocks, timers, files, sockets, chance
  --tail NUMBER     how many last lines of its event log to print for a seed that failed (0)
`;

const MINUTE_MS = 60_000;

/** Resolves with the exit code: 0 when every seed was clean, 1 when one was not, 2 for a bad command line. */
async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'string') {
    console.error(options);
    return options === USAGE ? 0 : 2;
  }
  console.log(
    `${'seed'.padStart(6)} ${'changes'.padStart(8)} ${'Pods'.padStart(5)} ${'requests'.padStart(9)} ${'lost'.padStart(5)}  log (SHA-256)`,
  );
  if (options.apart) forbidRealWorld();
  let failed = 0;
  for (let seed = options.seed; seed < options.seed + options.count; seed += 1) {
    const { faults, unhooked, minutes } = options;
    const report = await runScenario({ seed, durationMs: minutes * MINUTE_MS, hooked: !unhooked, faults });
    print(report, options.tail);
    if (!isClean(report)) failed += 1;
  }
  if (options.count > 1) console.log(`${options.count - failed} of ${options.count} seeds clean`);
  return failed === 0 ? 0 : 1;
}

function readOptions(argv: string[]) {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        seed: { type: 'string', default: '1' },
        count: { type: 'string', default: '1' },
        minutes: { type: 'string', default: '60' },
        tail: { type: 'string', default: '0' },
        unhooked: { type: 'boolean', default: false },
        faults: { type: 'boolean', default: false },
        apart: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return USAGE;
    const number = (name: 'seed' | 'count' | 'minutes' | 'tail') => {
      const value = Number(values[name]);
      if (!Number.isSafeInteger(value) || value < 0)
        throw new Error(`--${name} must be a whole number, not "${values[name]}"`);
      return value;
    };
    return {
      seed: number('seed'),
      count: number('count'),
      minutes: number('minutes'),
      tail: number('tail'),
      unhooked: values.unhooked,
      faults: values.faults,
      apart: values.apart,
    };
  } catch (error) {
    return `simulate: ${error instanceof Error ? error.message : error}`;
  }
}

function print(report: ScenarioReport, tail: number): void {
  const lost = lostTotal(report.lost);
  const cells = [
    String(report.seed).padStart(6),
    String(report.changes).padStart(8),
    String(report.replacedPods).padStart(5),
    String(report.sent).padStart(9),
    String(lost).padStart(5),
  ];
  console.log(`${cells.join(' ')}  ${report.digest}`);
  for (const breach of report.breaches) console.log(`       law ${breach.law} broken: ${breach.message}`);
  for (const [reason, count] of report.lost) console.log(`       lost ${count}: ${reason}`);
  if (report.outlived > 0) console.log(`       no loss: ${report.outlived} outlived the drain budget`);
  if (!isClean(report)) for (const text of report.misfortunes) console.log(`       at ${text}`);
  if (!isClean(report) && tail > 0) for (const line of report.tail.slice(-tail)) console.log(`       ${line}`);
}

process.exitCode = await main(process.argv.slice(2));
