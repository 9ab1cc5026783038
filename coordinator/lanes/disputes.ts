import { bindingAt, type Observation } from '../core/observation.ts';

/**
 * Targets of which a read of health tells something else than the bindings that were read before it: somebody changed them
 * meanwhile. By binding key.
 */
export type Disputes = ReadonlyMap<string, Dispute>;

interface Dispute {
  readonly listenerId: string;
  /** What health told; undefined: it told of no such target. */
  readonly weight: number | undefined;
  /** Start of the first read of health that told so. */
  readonly since: number;
}

/** Bindings that are read so long after and still contradict have the last word; sooner, CLB may tell of an older state. */
export const LAST_WORD_MS = 10_000;

export const NO_DISPUTES: Disputes = new Map();

export interface HealthClaims {
  /** What the read tells, by binding key, of targets that were not changing. */
  readonly told: ReadonlyMap<string, { readonly weight: number }>;
  readonly startedAt: number;
  /** Whether the read can speak of what is bound there. */
  readonly covers: (key: string) => boolean;
}

/** What is disputed after a read of health; what it no longer contradicts is settled. */
export function disputesAfter(
  before: Disputes,
  { told, startedAt, covers }: HealthClaims,
  bindings: { readonly observation: Observation; readonly readAt: ReadonlyMap<string, number> },
): Disputes {
  const found = new Map<string, Dispute>();
  const compare = (key: string, weight: number | undefined) => {
    const listenerId = key.slice(0, key.indexOf('|'));
    const known = before.get(key);
    if (known && known.weight === weight) found.set(key, known);
    else if ((bindings.readAt.get(listenerId) ?? startedAt) <= startedAt) {
      found.set(key, { listenerId, weight, since: startedAt });
    }
  };
  for (const [key, { weight }] of told) {
    if (bindingAt(bindings.observation, key)?.weight !== weight) compare(key, weight);
  }
  for (const place of bindings.observation.places.values()) {
    for (const key of place.bindings.keys()) if (!told.has(key) && covers(key)) compare(key, undefined);
  }
  return found.size === 0 ? NO_DISPUTES : found;
}

/** Whether the target's bindings have to be read before its health counts. */
export function isDisputed(disputes: Disputes, key: string, readAt: ReadonlyMap<string, number>): boolean {
  const dispute = disputes.get(key);
  return dispute !== undefined && (readAt.get(dispute.listenerId) ?? dispute.since) < dispute.since + LAST_WORD_MS;
}

/** The listeners to be read. */
export function disputedListeners(disputes: Disputes, readAt: ReadonlyMap<string, number>): Set<string> {
  const open = [...disputes].filter(([key]) => isDisputed(disputes, key, readAt));
  return new Set(open.map(([, { listenerId }]) => listenerId));
}
