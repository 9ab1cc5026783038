import { GateState } from '../../common/pod-record.ts';
import type { PodView } from '../core/cluster-view.ts';
import { weightOf } from '../core/disposition.ts';
import type { LiveView } from '../core/live-view.ts';
import { type Rule, selects } from '../core/rule.ts';
import type { Claims } from './claims.ts';
import type { LaneFleet } from './lane-fleet.ts';
import type { ServiceDesk } from './service-desk.ts';
import type { Tenancies } from './tenancies.ts';

export interface PodPlacesOptions {
  readonly view: Pick<LiveView, 'servicesOf'>;
  readonly claims: Pick<Claims, 'get'>;
  readonly desk: Pick<ServiceDesk, 'isKnown'>;
  readonly fleet: LaneFleet;
  readonly tenancies: Tenancies;
  /** Those without a place included. */
  readonly rulesOf: (serviceUid: string) => readonly Rule[];
}

/** What is known of a Pod's targets over all load balancers. */
export class PodPlaces {
  readonly #options: PodPlacesOptions;

  constructor(options: PodPlacesOptions) {
    this.#options = options;
  }

  /** Whether the Pod serves on every rule that wants it, so that nothing about it is new. */
  isInPlace(pod: PodView): boolean {
    const { view, claims, desk, rulesOf } = this.#options;
    const { uid, gate } = pod.record;
    if (gate === GateState.CLOSED) return false;
    for (const serviceUid of view.servicesOf(uid)) {
      const claimed = claims.get(serviceUid);
      if (!claimed || !desk.isKnown(claimed.service)) continue;
      for (const rule of rulesOf(serviceUid)) {
        const isMeant = rule.refusal === undefined && selects(rule, pod.record);
        if (isMeant && !this.#isBound(pod, rule)) return false;
      }
    }
    return true;
  }

  /** A port of one of these Pods that CLB knows; undefined when none is bound. */
  doorOf(podUids: Iterable<string>): { readonly address: string; readonly port: number } | undefined {
    for (const podUid of podUids) {
      for (const { lane } of this.#options.fleet.concernedBy(podUid)) {
        const found = lane.targetsOf(podUid).find(({ target }) => target.bound !== undefined);
        if (found) return found.target.place;
      }
    }
    return undefined;
  }

  /** Whether nothing that the leader before asked for can still change the Pod's targets (law L7). */
  isCertain(podUid: string): boolean {
    const { view, fleet, tenancies } = this.#options;
    const placements = [...view.servicesOf(podUid)].flatMap(uid => tenancies.placementsOf(uid));
    const wanted = placements.map(({ loadBalancer }) => fleet.get(loadBalancer.id));
    return [...fleet.concernedBy(podUid), ...wanted].every(live => live?.lane.isCertain !== false);
  }

  #isBound({ record }: PodView, rule: Rule): boolean {
    const lane = rule.place && this.#options.fleet.get(rule.place.loadBalancerId)?.lane;
    const targets = lane?.targetsOf(record.uid) ?? [];
    return targets.some(({ state, target: { bound, wanted } }) => {
      const isWanted = state.rule.id === rule.id && wanted?.pod.record.uid === record.uid;
      return isWanted && bound?.mark?.podUid === record.uid && bound.weight === weightOf(record, rule);
    });
  }
}
