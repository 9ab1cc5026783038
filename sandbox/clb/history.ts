import type { Change, ClbState, Listener, LoadBalancer, Place, Rule, StateView } from './state.ts';

/** How far back a read can look. */
export const HISTORY_MAX_MS = 30_000;
/** Of one load balancer; the oldest go first. */
const VERSIONS_MAX = 1_000;

interface Version {
  /** By the clock: from then on, until the next version. */
  readonly at: number;
  /** Undefined when it was deleted. */
  readonly loadBalancer: LoadBalancer | undefined;
}

/** What the account held in the last while. Versions share everything that did not change between them. */
export class History {
  readonly #state: ClbState;
  readonly #versions = new Map<string, Version[]>();

  constructor(state: ClbState) {
    this.#state = state;
  }

  /** To be told of every change, as soon as the state has it. */
  record(now: number, changes: readonly Change[]): void {
    for (const [id, ofOne] of Map.groupBy(changes, change => change.loadBalancerId)) {
      const versions = this.#versions.get(id) ?? [];
      const earlier = versions.at(-1)?.loadBalancer;
      const current = this.#state.find(id);
      versions.push({ at: now, loadBalancer: current && copyOf(current, earlier, ofOne) });
      const kept = versions.findLastIndex(({ at }) => at <= now - HISTORY_MAX_MS);
      versions.splice(0, Math.max(kept, versions.length - VERSIONS_MAX, 0));
      if (versions.length === 1 && !current) this.#versions.delete(id);
      else this.#versions.set(id, versions);
    }
  }

  /** The account as it was then, or as long ago as is remembered. */
  at(moment: () => number): StateView {
    const find = (id: string) => this.#find(id, moment());
    return {
      find,
      all: () => [...this.#versions.keys()].map(find).filter(found => found !== undefined),
    };
  }

  #find(id: string, moment: number): LoadBalancer | undefined {
    const versions = this.#versions.get(id);
    const index = versions?.findLastIndex(({ at }) => at <= moment) ?? -1;
    if (!versions || index < 0) return undefined;
    // What the state says now also tells what no change does, such as tags.
    return index === versions.length - 1 ? this.#state.find(id) : versions[index]?.loadBalancer;
  }
}

function copyOf(current: LoadBalancer, earlier: LoadBalancer | undefined, changes: readonly Change[]): LoadBalancer {
  const touched = new Set(changes.map(placeKey));
  const listeners = [...current.listeners].map(([id, listener]): [string, Listener] => {
    const known = earlier?.listeners.get(id);
    const rules = [...listener.rules].map(([locationId, rule]): [string, Rule] => {
      const knownRule = known?.rules.get(locationId);
      const isTouched = touched.has(placeKey({ listenerId: id, locationId }));
      return [locationId, knownRule && !isTouched ? knownRule : { ...rule, targets: new Map(rule.targets) }];
    });
    const isTouched = touched.has(placeKey({ listenerId: id, locationId: '' }));
    const targets = known && !isTouched ? known.targets : new Map(listener.targets);
    return [id, { settings: listener.settings, targets, rules: new Map(rules) }];
  });
  return { ...current, listeners: new Map(listeners) };
}

/** Of a change of a listener itself, that of its own targets. */
function placeKey(change: Change | Place): string {
  const listenerId = 'listenerId' in change ? change.listenerId : '';
  return `${listenerId} ${'locationId' in change ? change.locationId : ''}`;
}
