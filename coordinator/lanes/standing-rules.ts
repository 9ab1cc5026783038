import type { Listener } from '../cloud/types.ts';
import { placeKey, placeKeyOf } from '../core/observation.ts';
import type { PlacedRule } from '../core/rule-state.ts';

/**
 * The wanted rules whose listener, or forwarding rule, CLB shows: the others cannot be written, and whoever placed them
 * will hear that they are gone. Worked out anew only when either side has changed.
 */
export class StandingRules {
  #wanted: readonly PlacedRule[] = [];
  #listeners: readonly Listener[] = [];
  #standing: readonly PlacedRule[] = [];
  #byPlace: ReadonlyMap<string, PlacedRule> = new Map();

  of(wanted: readonly PlacedRule[], listeners: readonly Listener[]): readonly PlacedRule[] {
    if (this.#wanted === wanted && this.#listeners === listeners) return this.#standing;
    const places = new Set(listeners.flatMap(placesOf));
    this.#wanted = wanted;
    this.#listeners = listeners;
    this.#standing = wanted.filter(rule => places.has(placeKey(rule.place)));
    this.#byPlace = new Map(this.#standing.map(rule => [placeKey(rule.place), rule]));
    return this.#standing;
  }

  /** The rule at the place of a binding key. */
  at(key: string): PlacedRule | undefined {
    return this.#byPlace.get(placeKeyOf(key));
  }
}

function placesOf({ id, forwardingRules }: Listener): string[] {
  const locationIds = ['', ...forwardingRules.map(rule => rule.locationId)];
  return locationIds.map(locationId => placeKey({ listenerId: id, locationId }));
}
