import type { CloudResult, ForwardingRule, Listener } from '../cloud/types.ts';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';
import { VISIBLE_WITHIN_MS } from '../loadbalancers/visible-within.ts';

/** One listener, or forwarding rule, that CLB was asked for, and that it made or may have made. */
interface Made {
  readonly ruleId: string;
  /** When the call ended. */
  readonly at: number;
  readonly find: (listeners: readonly Listener[]) => Found | undefined;
  /** As a list has shown it. */
  seen: Found | undefined;
  isHidden: boolean;
}

interface Found {
  readonly listenerId: string;
  /** Empty for the listener itself. */
  readonly locationId: string;
}

/**
 * What was made lately. Lists may tell of the time before it, and then they lack what is there: until one that began
 * `VISIBLE_WITHIN_MS` after it was made, absence proves nothing (law L8), but for what CLB has deleted for us.
 */
export class MadeListeners {
  /** By place. */
  readonly #made = new Map<string, Made>();

  /** A change has ended. */
  ended(work: ListenerWork, result: CloudResult<unknown>, now: number): void {
    if (result.ok || result.error.outcomeUnknown) {
      for (const [place, { ruleId, find }] of placesOf(work)) {
        this.#made.set(place, { ruleId, find, at: now, seen: undefined, isHidden: true });
      }
    }
    if (!result.ok) return;
    for (const [place, { seen }] of this.#made) if (seen && isDeletedBy(work, seen)) this.#made.delete(place);
  }

  wasListed(listeners: readonly Listener[], startedAt: number): void {
    for (const [place, made] of this.#made) {
      const found = made.find(listeners);
      made.seen = found ?? made.seen;
      made.isHidden = !found;
      if (startedAt >= made.at + VISIBLE_WITHIN_MS) this.#made.delete(place);
    }
  }

  /** Whether the last list may lack something that was made for a rule with such an id. */
  mayHide(isConcerned: (ruleId: string) => boolean): boolean {
    return [...this.#made.values()].some(({ ruleId, isHidden }) => isHidden && isConcerned(ruleId));
  }
}

/** What the change asks for, by its place. */
function placesOf(work: ListenerWork): readonly (readonly [string, Pick<Made, 'ruleId' | 'find'>])[] {
  switch (work.kind) {
    case 'create': {
      const { name, protocol, ports } = work.request;
      return ports.map((port, index) => {
        const find = (listeners: readonly Listener[]) =>
          found(listeners.find(each => each.name === name && each.protocol === protocol && each.port === port));
        return [`${name}|${protocol}|${port}`, { ruleId: work.ruleIds[index] ?? '', find }];
      });
    }
    case 'create-rules': {
      const { listenerId, requests, ruleIds } = work;
      return requests.map(({ domain, url }, index) => {
        const find = (listeners: readonly Listener[]) => {
          const listener = listeners.find(({ id }) => id === listenerId);
          const rule = listener?.forwardingRules.find(each => each.domain === domain && each.url === url);
          return rule && found(listener, rule);
        };
        return [`${listenerId}|${domain}|${url}`, { ruleId: ruleIds[index] ?? '', find }];
      });
    }
    default:
      return [];
  }
}

function found(listener: Listener | undefined, rule?: ForwardingRule): Found | undefined {
  return listener && { listenerId: listener.id, locationId: rule?.locationId ?? '' };
}

function isDeletedBy(work: ListenerWork, { listenerId, locationId }: Found): boolean {
  switch (work.kind) {
    case 'delete':
      return work.listenerIds.includes(listenerId);
    case 'delete-rules':
      return work.locationIds.includes(locationId);
    default:
      return false;
  }
}
