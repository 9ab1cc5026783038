import { Protocol } from '../../common/pod-record.ts';
import type { Listener } from '../cloud/types.ts';
import type { Holding } from '../core/drain-progress.ts';
import type { LanePlan } from '../core/lane-plan.ts';
import { parseMark } from '../core/mark.ts';
import { type Observation, placeKey } from '../core/observation.ts';

export interface StrayFacts {
  readonly observation: Observation;
  readonly listeners: readonly Listener[];
  readonly plan: LanePlan | undefined;
  readonly cluster: string;
}

const NONE: readonly Holding[] = [];

/**
 * Targets of ours at places that no rule has any more: their listener or rule is on its way out, and until a read shows
 * it gone CLB sends to them.
 */
export class Strays {
  #facts: Pick<StrayFacts, 'observation' | 'plan'> | undefined;
  #byPod: ReadonlyMap<string, readonly Holding[]> = new Map();

  of(podUid: string, facts: StrayFacts): readonly Holding[] {
    return this.#found(facts).get(podUid) ?? NONE;
  }

  podUids(facts: StrayFacts): Iterable<string> {
    return this.#found(facts).keys();
  }

  #found(facts: StrayFacts): ReadonlyMap<string, readonly Holding[]> {
    const { observation, plan } = facts;
    if (this.#facts?.observation !== observation || this.#facts.plan !== plan) {
      this.#facts = { observation, plan };
      this.#byPod = find(facts);
    }
    return this.#byPod;
  }
}

function find({ observation, listeners, plan, cluster }: StrayFacts): Map<string, Holding[]> {
  const planned = new Set(plan?.states.map(({ rule }) => placeKey(rule.place)));
  const found = new Map<string, Holding[]>();
  for (const [key, { listenerId, bindings }] of observation.places) {
    if (planned.has(key)) continue;
    const protocol = protocolOf(listeners.find(({ id }) => id === listenerId));
    for (const { tag, port, weight } of bindings.values()) {
      const podUid = parseMark(tag, cluster)?.podUid;
      if (podUid === undefined) continue;
      const holdings = found.get(podUid) ?? [];
      holdings.push({ port, protocol, weight });
      found.set(podUid, holdings);
    }
  }
  return found;
}

function protocolOf(listener: Listener | undefined): Protocol {
  return listener?.protocol === 'UDP' || listener?.protocol === 'QUIC' ? Protocol.UDP : Protocol.TCP;
}
