import type { Breach } from '../breach.ts';
import { drainBeforeDeath } from '../law-drain.ts';
import { breachesOfEveryRun } from '../laws.ts';
import { closedOnEvidence, listenersGoOnRequest } from './law-evidence.ts';
import { gatesTellTheTruth } from './law-gates.ts';
import { neverEmptied } from './law-open-targets.ts';
import { earliestFirst, oneForEachService } from './law-sharing.ts';
import { type FullEvidence, Ledger } from './ledger.ts';

/** Holds a run in which Services change all the time against the laws. */
export function breachesOnTheWay(evidence: FullEvidence): Breach[] {
  const ledger = new Ledger(evidence);
  return [
    ...breachesOfEveryRun(evidence),
    ...drainBeforeDeath(evidence, ({ listenerId, at }) => ledger.isPortWanted(listenerId, at)),
    ...closedOnEvidence(ledger),
    ...listenersGoOnRequest(ledger),
    ...neverEmptied(ledger),
    ...gatesTellTheTruth(ledger),
    ...earliestFirst(ledger),
    ...oneForEachService(ledger),
  ];
}
