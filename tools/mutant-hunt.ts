import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Clock } from '../common/clock.ts';
import type { Mutant, SimulatedHunt } from './mutant.ts';
import { patch } from './mutation-run.ts';

/** Two copies of the repository, and how long a mutant is looked for. */
export interface Hunt {
  /** Never changed: what a seed shows there is no mutant's doing. */
  readonly sound: string;
  /** Where the mutants go in and out. */
  readonly broken: string;
  readonly seedsMax: number;
  /** Of virtual time for each seed. */
  readonly minutes: number;
  readonly clock: Clock;
}

export type HuntResult = { readonly played: number } & (
  | { readonly type: 'caught'; readonly laws: readonly string[]; readonly seed: number }
  /** `crashed`, `hung`: it broke the run and no law, which proves nothing of the checker. */
  | { readonly type: 'not seen' | 'does not apply' | 'crashed' | 'hung' }
);

/** As much of what a seed tells as counts here. */
interface SeedLaws {
  readonly seed: number;
  readonly laws: ReadonlySet<string>;
}

interface Play extends SimulatedHunt {
  readonly folder: string;
  readonly firstSeed: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly clock: Clock;
}

/** A seed takes a few seconds. */
const SILENCE_MAX_MS = 120_000;

/** Plays seeds until one breaks the law that it should, and keeps it without the mutant. */
export async function huntMutant(hunt: Hunt, mutant: Mutant): Promise<HuntResult> {
  if (!(await patch(hunt.broken, mutant, []))) return { type: 'does not apply', played: 0 };
  const result = await search(hunt, mutant.simulation ?? { family: 'turmoil', law: mutant.law });
  if (await patch(hunt.broken, mutant, ['--reverse'])) return result;
  throw new Error(`${mutant.patchFile} could not be taken back`);
}

async function search(hunt: Hunt, { family, law }: SimulatedHunt): Promise<HuntResult> {
  const { broken: folder, seedsMax, minutes, clock } = hunt;
  let played = 0;
  while (played < seedsMax) {
    const play = { folder, family, law, firstSeed: played + 1, seeds: seedsMax - played, minutes, clock };
    const { told, end } = await playUntilBroken(play);
    played += told.length;
    if (end !== 'over') return { type: end, played };
    const last = told.at(-1);
    if (!last?.laws.has(law)) break;
    const caught = await asCaught(hunt, { family, law, last, played });
    if (caught) return caught;
  }
  return { type: 'not seen', played };
}

/** @returns undefined when the sound product breaks the same law in that seed */
async function asCaught(
  { sound, minutes, clock }: Hunt,
  { family, law, last: { seed, laws }, played }: SimulatedHunt & { last: SeedLaws; played: number },
): Promise<HuntResult | undefined> {
  const { told } = await playUntilBroken({ folder: sound, family, law, firstSeed: seed, seeds: 1, minutes, clock });
  const news = [...laws].filter(each => !told[0]?.laws.has(each));
  return news.includes(law) ? { type: 'caught', laws: news, seed, played } : undefined;
}

/** Ends after the first seed that breaks the law. */
function playUntilBroken(play: Play): Promise<{ told: readonly SeedLaws[]; end: 'over' | 'crashed' | 'hung' }> {
  const { folder, family, law, firstSeed, seeds, minutes, clock } = play;
  const range = ['--seed', firstSeed, '--seeds', seeds, '--minutes', minutes, '--family', family];
  const flags = [...range, '--shrink', 0, '--jobs', 1, '--worker', 0];
  const main = join(folder, 'test/simulation/main.ts');
  const child = spawn(process.execPath, [main, ...flags.map(String)], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const told: SeedLaws[] = [];
  let end: 'over' | 'hung' | undefined;
  const stop = (reason: 'over' | 'hung') => {
    end ??= reason;
    child.kill('SIGKILL');
  };
  let silence = clock.schedule(SILENCE_MAX_MS, () => stop('hung'));
  createInterface({ input: child.stdout }).on('line', line => {
    if (end) return;
    silence.cancel();
    silence = clock.schedule(SILENCE_MAX_MS, () => stop('hung'));
    told.push(lawsIn(line));
    if (told.at(-1)?.laws.has(law)) stop('over');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => {
      silence.cancel();
      resolve({ told, end: end ?? (code === 0 ? 'over' : 'crashed') });
    });
  });
}

function lawsIn(line: string): SeedLaws {
  const { report } = JSON.parse(line) as { report: { seed: number; breaches: { law: string }[] } };
  return { seed: report.seed, laws: new Set(report.breaches.map(({ law }) => law)) };
}
