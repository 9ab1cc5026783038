import { type Random, randomInteger } from '../../common/random.ts';
import type { Reach } from '../core/node-loss.ts';
import type { LeaderPorts } from './leader-ports.ts';

export interface NeighboursOptions {
  readonly random: Random;
  readonly ports: Pick<LeaderPorts, 'probe'>;
}

/** A port on the node that is asked about. */
export interface Door {
  readonly address: string;
  readonly port: number;
}

const NEIGHBOURS_MAX = 3;
const PROBE_TIMEOUT_MS = 1_000;

/**
 * Has the agents of a few other nodes try the doors of one.
 * @param candidates nodes whose agents report
 * @returns what came of each neighbour's tries. Rejects with the signal's reason when it aborts, and never else.
 */
export async function askNeighbours(
  doors: readonly Door[],
  candidates: readonly string[],
  { random, ports }: NeighboursOptions,
  signal: AbortSignal,
): Promise<readonly (readonly Reach[])[]> {
  if (doors.length === 0) return [];
  const chosen = sample(candidates, NEIGHBOURS_MAX, random);
  const tryAll = (neighbour: string) =>
    Promise.all(doors.map(door => ports.probe(neighbour, { ...door, timeoutMs: PROBE_TIMEOUT_MS }, signal)));
  return await Promise.all(chosen.map(tryAll));
}

/** So many of them, any one as likely as another, so that the questions spread over the cluster. */
function sample(items: readonly string[], countMax: number, random: Random): string[] {
  const left = [...items];
  const chosen: string[] = [];
  while (left.length > 0 && chosen.length < countMax) {
    chosen.push(...left.splice(randomInteger(random, 0, left.length - 1), 1));
  }
  return chosen;
}
