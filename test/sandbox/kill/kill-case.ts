import type { RequestKind } from '../../../sandbox/load/tally.ts';
import type { Breach } from '../../simulation/breach.ts';
import type { Recovery, Stage } from './stage.ts';

/** A fault that real processes have to live through, under load. */
export interface KillCase {
  readonly name: string;
  /** What is done, for the table. */
  readonly fault: string;
  /** Requests that even a correct system may lose, at most. */
  readonly lostMax: number;
  /** What these may be; absent when they may be of any kind. */
  readonly lostKinds?: readonly RequestKind[];
  /** Why it may; empty when it may lose none. */
  readonly why: string;
  /** Breaches of a law that the fault itself makes unavoidable. */
  readonly excuses?: (breach: Breach) => boolean;
  /** Does it and waits until everything has recovered; throws when something does not, or is not as promised. */
  readonly perform: (stage: Stage, signal: AbortSignal) => Promise<void>;
}

export interface CaseResult {
  readonly killCase: Pick<KillCase, 'name' | 'fault' | 'lostMax' | 'why'>;
  readonly sent: number;
  readonly lost: number;
  readonly recoveries: readonly Recovery[];
  /** One line each; empty when the case passed. */
  readonly problems: readonly string[];
}
