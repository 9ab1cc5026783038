import { shrink } from './shrink.ts';
import { runTurmoil, type TurmoilOptions, type TurmoilReport } from './turmoil.ts';

/** What came of one seed; a value that passes between processes. */
export interface SeedResult {
  readonly report: TurmoilReport;
  /** The numbers of what has to happen for the first broken law to be broken, as few as could be found. */
  readonly needed?: readonly number[];
}

/** @param shrinkTriesMax how often a seed that fails is played again with less */
export async function runSeed(options: TurmoilOptions, shrinkTriesMax: number): Promise<SeedResult> {
  const report = await runTurmoil(options);
  const [first] = report.breaches;
  if (!first || shrinkTriesMax === 0) return { report };
  const isBrokenAgain = async (only: readonly number[]) => {
    const again = await runTurmoil({ ...options, only: new Set(only) });
    return again.breaches.some(({ law }) => law === first.law);
  };
  return { report, needed: await shrink(report.happened, isBrokenAgain, shrinkTriesMax) };
}
