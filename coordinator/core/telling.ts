import type { PodRecord } from '../../common/pod-record.ts';
import { factsOf, type LastingFacts, renewedFacts, withFacts } from './lasting-facts.ts';
import { API_SERVER, type Teller } from './node-reports.ts';

/** What of a Pod comes from whom. */
export interface Telling {
  /** Who has the say. */
  readonly teller: Teller;
  /** What counts: that teller's word, or the API server's where that is later. */
  readonly word: PodRecord;
  /** What the others told, as far as it stays true. */
  readonly facts: LastingFacts | undefined;
  /** The version of `word` where the API server itself said it, to the coordinator's own watch. */
  readonly provenVersion: number | undefined;
}

interface Told {
  readonly teller: Teller;
  readonly record: PodRecord;
}

/** What is known of a Pod of which nobody had told before. */
export function firstTold({ teller, record }: Told): Telling {
  const { version, ...word } = record;
  return { teller, word, facts: undefined, provenVersion: teller === API_SERVER ? version : undefined };
}

/**
 * What is known after the Pod was told of again. An agent whose watch is behind is believed about exits and deletions, and
 * takes back nothing else that the API server has said meanwhile (law L1).
 *
 * @param hasTheSay whether the teller is the one to believe where it and the one before disagree
 */
export function retold(known: Telling, told: Told, hasTheSay: boolean): Telling {
  const { teller, record } = told;
  if (!hasTheSay) return { ...known, facts: renewedFacts(known.facts, record) };
  if (isBehind(known, told)) {
    return { ...known, teller, word: onNetworkOf(record, known.word), facts: renewedFacts(known.facts, record) };
  }
  return { ...firstTold(told), facts: lastingFacts(known, told) };
}

function lastingFacts({ teller, word, facts, provenVersion }: Telling, told: Told): LastingFacts | undefined {
  if (teller.agent !== told.teller.agent) return factsOf(withFacts(word, facts));
  // It has been behind: some of the facts may be its own.
  const hasCaughtUp = teller !== API_SERVER && provenVersion !== undefined;
  return hasCaughtUp ? renewedFacts(facts, told.record) : facts;
}

/** Whether the API server itself has told of a later version than an agent does. */
function isBehind({ provenVersion }: Telling, { teller, record: { version } }: Told): boolean {
  return teller !== API_SERVER && provenVersion !== undefined && version !== undefined && version < provenVersion;
}

/** A Pod never leaves its elastic network interface, and its agent may know of one that only its node shows. */
export function onNetworkOf({ eni }: PodRecord, record: PodRecord): PodRecord {
  return eni?.attached ? { ...record, eni } : record;
}
