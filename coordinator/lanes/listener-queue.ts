import type { RedirectPair } from '../cloud/settings.ts';
import type { CloudResult, Listener } from '../cloud/types.ts';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';
import { isSettingShown } from '../loadbalancers/setting-plan.ts';
import {
  afterListenerWork,
  keepWanted,
  keysOf,
  type ListenerTroubles,
  nextListenerTryAt,
  nextListenerWork,
  partOf,
  refusalOf,
} from './listener-turns.ts';
import { MadeListeners } from './made-listeners.ts';

/** A change that was sent and that no list of listeners has shown yet. */
interface SentChange {
  readonly content: string;
  readonly ruleIds: readonly string[];
  readonly keys: readonly string[];
  /** Undefined while it is in flight. */
  endedAt: number | undefined;
  /** Whether the list shows any of it; undefined when it did not succeed, so that there is nothing to see. */
  isShown: ((listeners: readonly Listener[]) => boolean) | undefined;
  isDoubted: boolean;
}

/** A setting that CLB accepts so often and never shows is not sent again until somebody wants another value. */
const EFFECT_TRIES_MAX = 3;
/** Work that waited this long goes before targets. */
const WAIT_MAX_MS = 2_000;

/**
 * Changes of listeners and forwarding rules that are wanted. Those that are independent go one after another; none is
 * sent again before a list that was read after it has shown what became of it (law L8).
 */
export class ListenerQueue {
  readonly made = new MadeListeners();
  #wanted: readonly ListenerWork[] = [];
  #sent: readonly SentChange[] = [];
  #troubles: ListenerTroubles = new Map();
  #waitsSince: number | undefined;
  /** How often a change of settings succeeded and no list showed it, by what it says; only of what is wanted. */
  readonly #withoutEffect = new Map<string, number>();
  #givenUp: readonly string[] = [];

  /** Replaces what is wanted. */
  want(work: readonly ListenerWork[], now: number): void {
    this.#wanted = work;
    this.#troubles = keepWanted(this.#troubles, work);
    if (this.#withoutEffect.size > 0) {
      const contents = new Set(work.map(contentOf));
      for (const content of this.#withoutEffect.keys()) if (!contents.has(content)) this.#withoutEffect.delete(content);
    }
    this.#waitsSince = work.length === 0 ? undefined : (this.#waitsSince ?? now);
  }

  /** The next change to be sent, or undefined when none may be. */
  next(now: number): ListenerWork | undefined {
    return nextListenerWork(this.#troubles, this.#unsent(), now);
  }

  /** When one that failed may be tried again, or undefined when none waits. */
  nextTryAt(now: number): number | undefined {
    const at = nextListenerTryAt(this.#troubles, this.#unsent());
    return at !== undefined && at > now ? at : undefined;
  }

  hasWaitedLong(now: number): boolean {
    return this.#waitsSince !== undefined && now - this.#waitsSince > WAIT_MAX_MS;
  }

  /** Whether a change is under way or not yet shown, so that a list read before it says nothing. */
  get isChanging(): boolean {
    return this.#sent.length > 0;
  }

  refusalOf(ruleId: string): string | undefined {
    return refusalOf(this.#troubles, ruleId);
  }

  begin(work: ListenerWork): void {
    const change = {
      content: contentOf(work),
      ruleIds: work.ruleIds,
      keys: keysOf(work),
      endedAt: undefined,
      isShown: undefined,
      isDoubted: false,
    };
    this.#sent = [...this.#sent, change];
    this.#waitsSince = undefined;
  }

  /** The one in flight has ended. @returns whether the listeners may be others now */
  end(work: ListenerWork, result: CloudResult<readonly string[]>, now: number): boolean {
    this.made.ended(work, result, now);
    const error = result.ok ? undefined : result.error;
    if (error?.class === 'busy' || error?.class === 'throttled') {
      this.#sent = this.#sent.filter(({ endedAt }) => endedAt !== undefined);
      return false;
    }
    const change = this.#sent.find(({ endedAt }) => endedAt === undefined);
    if (change) {
      change.endedAt = now;
      change.isShown = result.ok ? listeners => shows(listeners, work, result.value) : undefined;
    }
    this.#troubles = afterListenerWork(this.#troubles, work, { error, now });
    return true;
  }

  /**
   * Listeners were read. What was wanted of those that changed before has to be derived anew from this list.
   * @returns whether the list has to be read again soon, because it shows nothing of a change that succeeded
   */
  wasListed(listeners: readonly Listener[], startedAt: number): boolean {
    const covered = this.#sent.filter(({ endedAt }) => endedAt !== undefined && endedAt <= startedAt);
    const doubtful = covered.filter(change => !change.isDoubted && change.isShown?.(listeners) === false);
    const settled = new Set(covered.filter(change => !doubtful.includes(change)));
    for (const change of settled) {
      const { isDoubted, isShown, content } = change;
      if (isDoubted && content !== '' && isShown?.(listeners) === false) this.#countWithoutEffect(change);
    }
    for (const change of doubtful) change.isDoubted = true;
    const keys = new Set([...settled].flatMap(change => change.keys));
    this.#wanted = this.#wanted.flatMap(work => partOf(work, key => !keys.has(key)) ?? []);
    this.#sent = this.#sent.filter(change => !settled.has(change));
    return doubtful.length > 0;
  }

  /** Ids of the rules whose settings were given up since the last call, because CLB takes them and does not show them. */
  takeGivenUp(): readonly string[] {
    const givenUp = this.#givenUp;
    this.#givenUp = [];
    return givenUp;
  }

  /** What is wanted without what was sent already, and what CLB takes and does not do. */
  #unsent(): readonly ListenerWork[] {
    const wanted = this.#wanted.filter(work => (this.#withoutEffect.get(contentOf(work)) ?? 0) < EFFECT_TRIES_MAX);
    if (this.#sent.length === 0) return wanted;
    const sent = new Set(this.#sent.flatMap(change => change.keys));
    return wanted.flatMap(work => partOf(work, key => !sent.has(key)) ?? []);
  }

  #countWithoutEffect({ content, ruleIds }: SentChange): void {
    const tries = (this.#withoutEffect.get(content) ?? 0) + 1;
    this.#withoutEffect.set(content, tries);
    if (tries === EFFECT_TRIES_MAX) this.#givenUp = [...this.#givenUp, ...ruleIds];
  }
}

/** Whether the list shows anything of a change that succeeded. */
function shows(listeners: readonly Listener[], work: ListenerWork, madeIds: readonly string[]): boolean {
  const listenerIds = new Set(listeners.map(listener => listener.id));
  const locationIds = new Set(listeners.flatMap(({ forwardingRules }) => forwardingRules.map(rule => rule.locationId)));
  switch (work.kind) {
    case 'create':
      return madeIds.some(id => listenerIds.has(id));
    case 'create-rules':
      return madeIds.some(id => locationIds.has(id));
    case 'delete':
      return work.listenerIds.some(id => !listenerIds.has(id));
    case 'delete-rules':
      return work.locationIds.some(id => !locationIds.has(id));
    case 'change-settings':
      return isSettingShown(listeners, work.change);
    case 'redirect':
      return work.redirects.pairs.some(pair => isRedirected(listeners, pair));
    case 'remove-redirects':
      return work.redirects.pairs.some(pair => !isRedirected(listeners, pair));
  }
}

function isRedirected(listeners: readonly Listener[], { sourceLocationId, targetLocationId }: RedirectPair): boolean {
  const rules = listeners.flatMap(({ forwardingRules }) => forwardingRules);
  return rules.find(rule => rule.locationId === sourceLocationId)?.redirectsTo?.locationId === targetLocationId;
}

/** A change by what it says: another value for the same thing is another change. */
function contentOf(work: ListenerWork): string {
  return work.kind === 'change-settings' ? JSON.stringify(work.change) : '';
}
