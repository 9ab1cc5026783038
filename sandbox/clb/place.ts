import { ClbError } from './clb-error.ts';
import { text } from './parameters.ts';
import type { Listener, LoadBalancer, Place, Protocol, Rule, Targets } from './state.ts';

/** A place that exists, with what is bound there. */
export interface FoundPlace extends Place {
  readonly targets: Targets;
}

/** How a request names a rule; absent on layer 4. */
export const ruleNames = { LocationId: text(), Domain: text(), Url: text() };

interface RuleName {
  readonly LocationId?: string;
  readonly Domain?: string;
  readonly Url?: string;
}

export function isLayerSeven(protocol: Protocol): protocol is 'HTTP' | 'HTTPS' {
  return protocol === 'HTTP' || protocol === 'HTTPS';
}

/** @throws ClbError InvalidParameter.LocationNotFound; MissingParameter when a rule must be named. */
export function placeOf(listener: Listener, name: RuleName): FoundPlace {
  const { id: listenerId, protocol } = listener.settings;
  if (!isLayerSeven(protocol)) {
    if (name.LocationId === undefined || name.LocationId === '') {
      return { listenerId, locationId: '', targets: listener.targets };
    }
    throw new ClbError('InvalidParameter.LocationNotFound', `Location ${name.LocationId} not exists.`);
  }
  const rule = ruleOf(listener, name);
  return { listenerId, locationId: rule.settings.locationId, targets: rule.targets };
}

function ruleOf(listener: Listener, { LocationId: locationId, Domain: domain, Url: url }: RuleName): Rule {
  if (locationId !== undefined && locationId !== '') return ruleById(listener, locationId);
  const { id, protocol } = listener.settings;
  if (domain === undefined || url === undefined) {
    throw new ClbError('MissingParameter', `Listener ${id} is ${protocol}: \`LocationId\` must name one of its rules.`);
  }
  const found = [...listener.rules.values()].find(({ settings }) => settings.domain === domain && settings.url === url);
  if (found) return found;
  throw new ClbError('InvalidParameter.LocationNotFound', `Location ${domain}${url} not exists.`);
}

/** @throws ClbError InvalidParameter.LocationNotFound. */
export function ruleById(listener: Listener, locationId: string): Rule {
  const found = listener.rules.get(locationId);
  if (found) return found;
  throw new ClbError('InvalidParameter.LocationNotFound', `Location ${locationId} not exists.`);
}

/** False when it went while a write was under way. */
export function isThere(loadBalancer: LoadBalancer, place: FoundPlace): boolean {
  const listener = loadBalancer.listeners.get(place.listenerId);
  const targets = place.locationId === '' ? listener?.targets : listener?.rules.get(place.locationId)?.targets;
  return targets === place.targets;
}

/** The listener's own, then those of its rules. */
export function placesOf({ settings, targets, rules }: Listener): FoundPlace[] {
  const listenerId = settings.id;
  if (!isLayerSeven(settings.protocol)) return [{ listenerId, locationId: '', targets }];
  return [...rules.values()].map(rule => ({
    listenerId,
    locationId: rule.settings.locationId,
    targets: rule.targets,
  }));
}
