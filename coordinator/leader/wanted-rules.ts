import type { PodRecord } from '../../common/pod-record.ts';
import { type Rule, selects } from '../core/rule.ts';
import type { Claims } from './claims.ts';
import type { LaneDriver } from './lane-driver.ts';
import type { ServiceDesk } from './service-desk.ts';

export interface WantedRulesOptions {
  readonly claims: Pick<Claims, 'get'>;
  readonly driver: Pick<LaneDriver, 'rulesOf'>;
  readonly desk: Pick<ServiceDesk, 'isKnown'>;
}

/** The rules that Services and Ingresses want to have, wherever they stand. */
export class WantedRules {
  readonly #options: WantedRulesOptions;

  constructor(options: WantedRulesOptions) {
    this.#options = options;
  }

  /** Those of these owners that want the Pod: not every rule of an Ingress is for every Pod of it. */
  forPod(pod: PodRecord, ownerUids: Iterable<string>): readonly Rule[] {
    return [...ownerUids].flatMap(uid => this.of(uid)).filter(rule => selects(rule, pod));
  }

  /** Those without a place included, as long as there may be one that is not known yet. */
  of(serviceUid: string): readonly Rule[] {
    const { claims, driver, desk } = this.#options;
    const placed = driver.rulesOf(serviceUid);
    const claimed = claims.get(serviceUid);
    if (!claimed || claimed.intent.leaving) return placed;
    if (placed.length > 0 && desk.isKnown(claimed.service)) return placed;
    const unplaced = claimed.intent.rules.map(rule => ({ ...rule, place: undefined, refusal: undefined }));
    return [...placed, ...unplaced];
  }
}
