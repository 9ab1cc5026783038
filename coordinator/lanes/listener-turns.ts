import { backoffBoundMs } from '../../common/backoff.ts';
import type { SettingsChange } from '../cloud/settings.ts';
import type { CloudError } from '../cloud/types.ts';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';

/**
 * A listener or rule that could not be made or removed. Those that failed together are tried again in two halves, so that
 * the bad one stands alone after few calls; then it waits for its next try alone, and the others go on (law L10).
 */
export interface ListenerTrouble {
  readonly error: CloudError;
  /** Times it failed alone; 0 after a call for several listeners failed. */
  readonly failures: number;
  /** With whom it is tried again; undefined: alone. */
  readonly half: string | undefined;
  readonly notBefore: number;
}

/** By `keysOf`. */
export type ListenerTroubles = ReadonlyMap<string, ListenerTrouble>;

/** What CLB has against a rule itself. Trouble with the key, the account or the network is none of the rule's. */
const REFUSALS: ReadonlySet<string> = new Set(['CD2014', 'CD2017', 'CD2020', 'CD2023', 'CD2036']);
/** The port is taken, perhaps by the listener that we made just now and that no list shows yet. */
const PORT_REFUSED = 'CD2017';
/** With the pauses between the tries that is longer than a list may tell of an older state. */
const PORT_REFUSED_TRIES = 5;
const RETRY = { initialMs: 500, maximumMs: 30_000 };

/** The next change of listeners: what never failed first and together, then what is due, by halves or alone. */
export function nextListenerWork(
  troubles: ListenerTroubles,
  work: readonly ListenerWork[],
  now: number,
): ListenerWork | undefined {
  for (const item of work) {
    const untroubled = partOf(item, key => !troubles.has(key));
    if (untroubled) return untroubled;
  }
  const due = work.flatMap(keysOf).find(key => (troubles.get(key)?.notBefore ?? now) <= now);
  const item = work.find(candidate => due !== undefined && keysOf(candidate).includes(due));
  const half = due === undefined ? undefined : troubles.get(due)?.half;
  const isOfHalf = (key: string) => half !== undefined && troubles.get(key)?.half === half;
  return item && partOf(item, key => key === due || isOfHalf(key));
}

/** When a change that waits may be tried again, or undefined when none does. */
export function nextListenerTryAt(troubles: ListenerTroubles, work: readonly ListenerWork[]): number | undefined {
  const times = work.flatMap(keysOf).flatMap(key => troubles.get(key)?.notBefore ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** What is known after a change was tried. @param error undefined: it was done */
export function afterListenerWork(
  troubles: ListenerTroubles,
  work: ListenerWork,
  result: { readonly error: CloudError | undefined; readonly now: number },
): ListenerTroubles {
  const next = new Map(troubles);
  const { error, now } = result;
  const keys = keysOf(work);
  for (const [index, key] of keys.entries()) {
    if (!error) next.delete(key);
    else if (keys.length > 1) next.set(key, { error, failures: 0, half: halfOf(keys, index), notBefore: now });
    else {
      const failures = (troubles.get(key)?.failures ?? 0) + 1;
      const waitMs = backoffBoundMs(failures - 1, RETRY);
      next.set(key, { error, failures, half: undefined, notBefore: now + waitMs });
    }
  }
  return next;
}

/** The half of those that failed together to which this one belongs: named after its first and their number. */
function halfOf(keys: readonly string[], index: number): string {
  const middle = Math.ceil(keys.length / 2);
  return index < middle ? `${keys[0]} 1/${keys.length}` : `${keys[middle]} 2/${keys.length}`;
}

/** Whether what fails can only be this one listener's fault. */
export function isSingle(work: ListenerWork): boolean {
  return keysOf(work).length === 1;
}

/** Without those that nobody wants changed any more. */
export function keepWanted(troubles: ListenerTroubles, work: readonly ListenerWork[]): ListenerTroubles {
  if (troubles.size === 0) return troubles;
  const wanted = new Set(work.flatMap(keysOf));
  return new Map([...troubles].filter(([key]) => wanted.has(key)));
}

/** The code with which CLB refuses the rule's own listener, so that its gate does not wait for it (law L3). */
export function refusalOf(troubles: ListenerTroubles, ruleId: string): string | undefined {
  const trouble = troubles.get(ruleId);
  if (!trouble || !REFUSALS.has(trouble.error.code)) return undefined;
  const triesNeeded = trouble.error.code === PORT_REFUSED ? PORT_REFUSED_TRIES : 1;
  return trouble.failures >= triesNeeded ? trouble.error.code : undefined;
}

/** What the change is known by: rule ids of what is to be made, ids of what is to go or to be changed. */
export function keysOf(work: ListenerWork): readonly string[] {
  switch (work.kind) {
    case 'create':
    case 'create-rules':
      return work.ruleIds;
    case 'delete':
      return work.listenerIds;
    case 'delete-rules':
      return work.locationIds;
    case 'change-settings':
      return [settingKey(work.change)];
    case 'redirect':
    case 'remove-redirects':
      return work.redirects.pairs.map(pair => `redirect/${pair.sourceLocationId}`);
  }
}

function settingKey(change: SettingsChange): string {
  switch (change.kind) {
    case 'listener':
      return `settings/${change.listenerId}`;
    case 'rule':
      return `settings/${change.listenerId}/${change.locationId}`;
    case 'domain':
      return `settings/${change.listenerId}/domain/${change.domain}`;
  }
}

/** The part of a change whose keys are picked; undefined when none is. */
export function partOf(work: ListenerWork, isPicked: (key: string) => boolean): ListenerWork | undefined {
  if (!keysOf(work).some(isPicked)) return undefined;
  switch (work.kind) {
    case 'change-settings':
      return work;
    case 'redirect':
    case 'remove-redirects': {
      const isKept = work.redirects.pairs.map(pair => isPicked(`redirect/${pair.sourceLocationId}`));
      const pairs = work.redirects.pairs.filter((_, index) => isKept[index]);
      return {
        ...work,
        redirects: { ...work.redirects, pairs },
        ruleIds: work.ruleIds.filter((_, index) => isKept[index]),
      };
    }
    case 'delete':
      return { ...work, listenerIds: work.listenerIds.filter(isPicked) };
    case 'delete-rules':
      return { ...work, locationIds: work.locationIds.filter(isPicked) };
    case 'create-rules': {
      const requests = work.requests.filter((_, index) => isPicked(work.ruleIds[index] ?? ''));
      return { ...work, requests, ruleIds: work.ruleIds.filter(isPicked) };
    }
    case 'create': {
      const ports = work.request.ports.filter((_, index) => isPicked(work.ruleIds[index] ?? ''));
      return { ...work, request: { ...work.request, ports }, ruleIds: work.ruleIds.filter(isPicked) };
    }
  }
}
