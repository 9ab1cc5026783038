import type { Misfortune } from './faults.ts';

/** One call on its way through the server. */
export interface Call {
  readonly action: string;
  readonly parameters: unknown;
  readonly requestId: string;
  readonly misfortunes: readonly Misfortune[];
  /** Somebody else's: nothing goes wrong with it. */
  readonly isForeign: boolean;
}

/** The misfortune of this kind that hits the call, if there is one. */
export function hit<K extends Misfortune['kind']>(call: Call, kind: K): Extract<Misfortune, { kind: K }> | undefined {
  return call.misfortunes.find((candidate): candidate is Extract<Misfortune, { kind: K }> => candidate.kind === kind);
}
