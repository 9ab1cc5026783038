import { isLayerSeven } from './place.ts';
import { chooseRule, type Destination, rulesOfHost } from './rule-choice.ts';
import {
  type Certificate,
  type Change,
  type ListenerSettings,
  type Place,
  type Protocol,
  type Rewrite,
  type RuleSettings,
  targetKey,
} from './state.ts';
import { type PoolOptions, placeKey, type TargetAddress, TargetPool } from './target-pool.ts';

export interface Endpoint {
  readonly vip: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** What a forwarder has to know about a request of layer 7. */
export interface RequestFacts extends Destination {
  /** What the session cookie says, if the request has one. */
  readonly session?: string | undefined;
  /** Targets that were tried in vain for this request, by `targetKey`. */
  readonly except?: ReadonlySet<string>;
}

/** What becomes of a request. The session, if the rule has sessions, is for the client to bring along next time. */
export type Route =
  | { readonly kind: 'no-listener' | 'no-rule' | 'no-target' }
  /** The client is sent elsewhere. */
  | { readonly kind: 'redirect'; readonly code: number; readonly location: string }
  | {
      readonly kind: 'target';
      readonly target: TargetAddress;
      readonly rule: RuleSettings;
      readonly session: string | undefined;
    };

interface Session {
  readonly key: string;
  expiresAt: number;
}

interface ForwardedRule {
  settings: RuleSettings;
  readonly pool: TargetPool;
}

interface ForwardedListener {
  readonly vip: string;
  settings: ListenerSettings;
  /** Of layer 4. */
  readonly pool: TargetPool;
  /** Of layer 7, by location id. */
  readonly rules: Map<string, ForwardedRule>;
  /** By client address, oldest first. */
  readonly sessions: Map<string, Session>;
}

export type ForwarderOptions = PoolOptions;

/** Sessions remembered per listener; the oldest go first. */
const SESSIONS_MAX = 10_000;

/** One machine of the data plane: what it knows is what it was told, however late. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #listeners = new Map<string, ForwardedListener>();
  readonly #idByEndpoint = new Map<string, string>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  apply(change: Change): void {
    switch (change.kind) {
      case 'listener-created':
      case 'listener-modified':
        this.#put(change.vip, change.settings);
        return;
      case 'listener-deleted':
        this.#remove(change.listenerId);
        return;
      case 'rule-created':
      case 'rule-modified':
        this.#putRule(change, change.rule);
        return;
      case 'rule-deleted':
        this.#listeners.get(change.listenerId)?.rules.delete(change.locationId);
        return;
      case 'target-registered':
      case 'target-reweighted':
        this.#pool(change)?.weigh(change, change.weight);
        return;
      case 'target-deregistered':
        this.#pool(change)?.remove(change);
        return;
      case 'load-balancer-created':
      case 'load-balancer-deleted':
        return;
    }
  }

  /** The id of the listener at this endpoint, if this forwarder knows one. */
  listenerAt(endpoint: Endpoint): string | undefined {
    return this.#idByEndpoint.get(endpointKey(endpoint));
  }

  endpointOf(listenerId: string): Endpoint | undefined {
    const listener = this.#listeners.get(listenerId);
    return listener && { vip: listener.vip, port: listener.settings.port, protocol: listener.settings.protocol };
  }

  /** The weights as this forwarder knows them, by `placeKey` and `targetKey`. */
  view(): Readonly<Record<string, Readonly<Record<string, number>>>> {
    const pools = [...this.#listeners].flatMap(([listenerId, { settings, pool, rules }]) => [
      ...(isLayerSeven(settings.protocol) ? [] : [[listenerId, pool] as const]),
      ...[...rules].map(([locationId, rule]) => [placeKey({ listenerId, locationId }), rule.pool] as const),
    ]);
    return Object.fromEntries(pools.map(([key, pool]) => [key, pool.weights()]));
  }

  /** Where a new connection of layer 4 goes, or undefined when nothing may get it. */
  choose(listenerId: string, clientAddress: string, now: number): TargetAddress | undefined {
    const listener = this.#listeners.get(listenerId);
    const preferred = listener && sessionTarget(listener, clientAddress, now);
    const chosen = listener?.pool.choose({ now, preferred });
    if (listener && chosen) remember(listener, clientAddress, targetKey(chosen), now);
    return chosen;
  }

  /** Where a request of layer 7 goes. */
  route(listenerId: string, request: RequestFacts, now: number): Route {
    const listener = this.#listeners.get(listenerId);
    if (!listener) return { kind: 'no-listener' };
    const rules = [...listener.rules.values()].map(({ settings }) => settings);
    const rule = chooseRule(rules, request);
    const pool = rule && listener.rules.get(rule.locationId)?.pool;
    if (!rule || !pool) return { kind: 'no-rule' };
    const redirect = rule.rewrite && this.#redirect(rule.rewrite, request);
    if (redirect) return redirect;
    const hasSessions = rule.sessionExpireSeconds > 0;
    const { session, except } = request;
    const target = pool.choose({ now, preferred: hasSessions ? session : undefined, ...(except && { except }) });
    if (!target) return { kind: 'no-target' };
    return { kind: 'target', target, rule, session: hasSessions ? targetKey(target) : undefined };
  }

  /**
   * What a listener with TLS shows to a client that asks for this name, empty if it asks for none; no ids if the listener
   * names no certificate, undefined if it has none for the name.
   */
  certificate(listenerId: string, serverName: string): Certificate | undefined {
    const listener = this.#listeners.get(listenerId);
    if (!listener?.settings.isSni) return listener && (listener.settings.certificate ?? { ids: [] });
    const rules = [...listener.rules.values()].map(({ settings }) => settings);
    return rulesOfHost(rules, serverName)[0]?.certificate;
  }

  /** The passive check of layer 7: what became of an attempt to reach a target. */
  note(target: TargetAddress, attempt: { readonly reached: boolean; readonly now: number }): void {
    this.#pool(target)?.note(target, attempt);
  }

  #redirect({ listenerId, locationId, code, keepsUrl }: Rewrite, request: RequestFacts): Route | undefined {
    const listener = this.#listeners.get(listenerId);
    const rule = listener?.rules.get(locationId)?.settings;
    if (!listener || !rule) return undefined;
    const { protocol, port } = listener.settings;
    const asked = request.host.replace(/:\d*$/, '');
    const host = rule.domain.includes('*') ? asked : rule.domain;
    const scheme = protocol.toLowerCase();
    const shownPort = port === (protocol === 'HTTPS' ? 443 : 80) ? '' : `:${port}`;
    return { kind: 'redirect', code, location: `${scheme}://${host}${shownPort}${keepsUrl ? request.path : rule.url}` };
  }

  #put(vip: string, settings: ListenerSettings): void {
    const known = this.#listeners.get(settings.id);
    if (known) {
      known.settings = settings;
      return;
    }
    const pool = new TargetPool({ listenerId: settings.id, locationId: '' }, this.#options);
    this.#listeners.set(settings.id, { vip, settings, pool, rules: new Map(), sessions: new Map() });
    this.#idByEndpoint.set(endpointKey({ vip, port: settings.port, protocol: settings.protocol }), settings.id);
  }

  #putRule({ listenerId, locationId }: Place, settings: RuleSettings): void {
    const rules = this.#listeners.get(listenerId)?.rules;
    const known = rules?.get(locationId);
    if (known) known.settings = settings;
    else rules?.set(locationId, { settings, pool: new TargetPool({ listenerId, locationId }, this.#options) });
  }

  #remove(listenerId: string): void {
    const endpoint = this.endpointOf(listenerId);
    this.#listeners.delete(listenerId);
    if (endpoint && this.listenerAt(endpoint) === listenerId) this.#idByEndpoint.delete(endpointKey(endpoint));
  }

  #pool({ listenerId, locationId }: Place): TargetPool | undefined {
    const listener = this.#listeners.get(listenerId);
    return locationId === '' ? listener?.pool : listener?.rules.get(locationId)?.pool;
  }
}

function sessionTarget({ sessions, settings }: ForwardedListener, clientAddress: string, now: number) {
  const session = sessions.get(clientAddress);
  return session && session.expiresAt > now && settings.sessionExpireSeconds > 0 ? session.key : undefined;
}

function remember(listener: ForwardedListener, clientAddress: string, key: string, now: number): void {
  const { sessions, settings } = listener;
  if (settings.sessionExpireSeconds === 0) return;
  sessions.delete(clientAddress);
  sessions.set(clientAddress, { key, expiresAt: now + settings.sessionExpireSeconds * 1_000 });
  const [oldest] = sessions.keys();
  if (sessions.size > SESSIONS_MAX && oldest !== undefined) sessions.delete(oldest);
}

export function endpointKey({ vip, port, protocol }: Endpoint): string {
  return `${protocol} ${vip}:${port}`;
}
