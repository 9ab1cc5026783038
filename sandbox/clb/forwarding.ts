import type { Clock } from '../../common/clock.ts';
import { type Random, randomInteger } from '../../common/random.ts';
import { type Endpoint, Forwarder, type ForwarderOptions, type RequestFacts, type Route } from './forwarder.ts';
import type { ForwardedTarget, JournalRecord } from './journal.ts';
import type { ForwardingSettings } from './settings.ts';
import { type Certificate, type Change, type RuleSettings, type TargetChange, targetKey } from './state.ts';
import { placeKey, type TargetAddress } from './target-pool.ts';

/** One connection (or UDP flow) through the load balancer. */
export interface Connection {
  readonly forwarder: number;
  readonly target: TargetAddress;
  /** To be called once when it ended by itself; does nothing after a cut. */
  close(): void;
}

/** A request of layer 7 on its way to a target. */
export interface RequestTurn extends Connection {
  readonly kind: 'target';
  readonly rule: RuleSettings;
  /** What the client shall bring along to reach this target again; undefined when the rule has no sessions. */
  readonly session: string | undefined;
  /** Tells the passive check whether the target took the connection. Not reached: the turn is over, too. */
  note(attempt: { readonly reached: boolean }): void;
}

/** Why a request goes nowhere; without a listener the whole connection has to end. */
export type RequestRefusal = Exclude<Route, { readonly kind: 'target' }>;

/** A client's connection to a listener of layer 7: it stays with one forwarder, which routes each request anew. */
export interface ClientConnection {
  readonly forwarder: number;
  /** `onCut` is called when the load balancer ends the request, at most once and never after `close`. */
  request(request: RequestFacts, onCut: () => void): RequestTurn | RequestRefusal;
}

/** A listener became reachable in the first forwarder, or unreachable in the last. */
export type EndpointEvent = { readonly kind: 'opened' | 'closed'; readonly endpoint: Endpoint };

export interface ForwardingOptions extends ForwarderOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: () => ForwardingSettings;
  readonly record: (record: JournalRecord) => void;
}

/** Connections; on layer 7 requests. */
interface Traffic {
  /** What cuts each live one. */
  readonly live: Set<() => void>;
  opened: number;
  lastOpenedAt: number | undefined;
  lastClosedAt: number | undefined;
}

interface Lane {
  readonly forwarder: Forwarder;
  /** By place and target. */
  readonly traffic: Map<string, Traffic>;
  /** In the order of the calls: a change never overtakes an earlier one, whatever order timers fire in. */
  readonly pending: { readonly requestId: string; readonly changes: readonly Change[] }[];
  /** By the clock. */
  lastApplyAt: number;
}

/**
 * The data plane's knowledge, shared by sockets and virtual time: forwarders that follow the API late, and the
 * connections that run through them.
 */
export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #lanes: readonly Lane[];
  readonly #endpointListeners = new Set<(event: EndpointEvent) => void>();

  constructor(options: ForwardingOptions) {
    this.#options = options;
    this.#lanes = Array.from({ length: options.settings().forwarders }, () => ({
      forwarder: new Forwarder(options),
      traffic: new Map(),
      pending: [],
      lastApplyAt: 0,
    }));
  }

  /** Each forwarder applies the changes after its own delay, all of one call at once. */
  follow(requestId: string, changes: readonly Change[]): void {
    const { clock, random, settings } = this.#options;
    for (const [index, lane] of this.#lanes.entries()) {
      const delayMs = randomInteger(random, settings().delayMinMs, settings().delayMaxMs);
      lane.lastApplyAt = Math.max(lane.lastApplyAt, clock.now() + delayMs);
      lane.pending.push({ requestId, changes });
      clock.schedule(lane.lastApplyAt - clock.now(), () => this.#applyNext(index, lane));
    }
  }

  /**
   * A new connection of layer 4 from `clientAddress`: its target as one forwarder, taken at random, chooses it now;
   * undefined when the client must be refused. `onCut` is called when the load balancer ends it, at most once and never
   * after `close`.
   */
  open(endpoint: Endpoint, clientAddress: string, onCut: () => void): Connection | undefined {
    const found = this.#enter(endpoint);
    const target = found?.lane.forwarder.choose(found.listenerId, clientAddress, this.#options.clock.now());
    return found && target && this.#begin(found, target, onCut);
  }

  /** A new connection of layer 7, to one forwarder taken at random; undefined when the client must be refused. */
  accept(endpoint: Endpoint): ClientConnection | undefined {
    const found = this.#enter(endpoint);
    return found && { forwarder: found.index, request: (request, onCut) => this.#request(found, request, onCut) };
  }

  /** What one forwarder, taken at random, shows to a client of TLS; see Forwarder. */
  certificate(endpoint: Endpoint, serverName: string): Certificate | undefined {
    const found = this.#enter(endpoint);
    return found?.lane.forwarder.certificate(found.listenerId, serverName);
  }

  /** Returns what stops it. */
  onEndpoint(listener: (event: EndpointEvent) => void): () => void {
    this.#endpointListeners.add(listener);
    return () => this.#endpointListeners.delete(listener);
  }

  /** For people and tests: the weights each forwarder knows, and the live connections, by listener (and rule) and target. */
  view(): readonly Record<string, unknown>[] {
    return this.#lanes.map(({ forwarder, traffic }) => ({
      weights: forwarder.view(),
      liveConnections: Object.fromEntries([...traffic].map(([key, { live }]) => [key, live.size])),
    }));
  }

  #enter(endpoint: Endpoint): Entrance | undefined {
    const index = Math.floor(this.#options.random.next() * this.#lanes.length);
    const lane = this.#lanes[index];
    const listenerId = lane?.forwarder.listenerAt(endpoint);
    return lane && listenerId !== undefined ? { index, lane, listenerId } : undefined;
  }

  #begin({ index, lane }: Entrance, target: TargetAddress, onCut: () => void): Connection {
    const traffic = trafficOf(lane, target);
    traffic.opened += 1;
    traffic.lastOpenedAt = this.#options.clock.wallNow();
    traffic.live.add(onCut);
    return { forwarder: index, target, close: () => this.#close(traffic, onCut) };
  }

  #request(entrance: Entrance, request: RequestFacts, onCut: () => void): RequestTurn | RequestRefusal {
    const { clock } = this.#options;
    const { forwarder } = entrance.lane;
    const route = forwarder.route(entrance.listenerId, request, clock.now());
    if (route.kind !== 'target') return route;
    const connection = this.#begin(entrance, route.target, onCut);
    return {
      ...route,
      ...connection,
      note: ({ reached }) => {
        if (!reached) connection.close();
        forwarder.note(route.target, { reached, now: clock.now() });
      },
    };
  }

  #close(traffic: Traffic, onCut: () => void): void {
    if (traffic.live.delete(onCut)) traffic.lastClosedAt = this.#options.clock.wallNow();
  }

  #applyNext(index: number, lane: Lane): void {
    const next = lane.pending.shift();
    if (!next) return;
    const { requestId, changes } = next;
    const forwarded: ForwardedTarget[] = [];
    for (const change of changes) {
      const endpoint = change.kind === 'listener-deleted' ? lane.forwarder.endpointOf(change.listenerId) : undefined;
      const wasKnown = change.kind === 'listener-created' && this.#knows(endpointOf(change));
      lane.forwarder.apply(change);
      if (change.kind === 'listener-created' && !wasKnown) this.#tell({ kind: 'opened', endpoint: endpointOf(change) });
      if (endpoint && !this.#knows(endpoint)) this.#tell({ kind: 'closed', endpoint });
      if ('weight' in change) forwarded.push(this.#follow(lane, change));
    }
    const at = this.#options.clock.wallNow();
    this.#options.record({ kind: 'forwarded', at, forwarder: index, requestId, targets: forwarded });
  }

  #follow(lane: Lane, change: TargetChange): ForwardedTarget {
    const traffic = trafficOf(lane, change);
    const { live, opened, lastOpenedAt, lastClosedAt } = traffic;
    const forwarded = {
      kind: change.kind,
      listenerId: change.listenerId,
      locationId: change.locationId,
      address: change.address,
      port: change.port,
      weight: change.weight,
      liveConnections: live.size,
      openedConnections: opened,
      ...(lastOpenedAt === undefined ? {} : { lastOpenedAt }),
      ...(lastClosedAt === undefined ? {} : { lastClosedAt }),
    };
    if (change.kind === 'target-deregistered') cutAll(lane, change, live);
    return forwarded;
  }

  #knows(endpoint: Endpoint): boolean {
    return this.#lanes.some(({ forwarder }) => forwarder.listenerAt(endpoint) !== undefined);
  }

  #tell(event: EndpointEvent): void {
    for (const listener of this.#endpointListeners) listener(event);
  }
}

/** Which forwarder a client came to, and what it found there. */
interface Entrance {
  readonly index: number;
  readonly lane: Lane;
  readonly listenerId: string;
}

function endpointOf(change: Extract<Change, { settings: unknown }>): Endpoint {
  return { vip: change.vip, port: change.settings.port, protocol: change.settings.protocol };
}

function trafficOf(lane: Lane, target: TargetAddress): Traffic {
  const key = trafficKey(target);
  const known = lane.traffic.get(key);
  if (known) return known;
  const traffic: Traffic = { live: new Set(), opened: 0, lastOpenedAt: undefined, lastClosedAt: undefined };
  lane.traffic.set(key, traffic);
  return traffic;
}

function cutAll(lane: Lane, target: TargetAddress, live: Set<() => void>): void {
  lane.traffic.delete(trafficKey(target));
  const cuts = [...live];
  live.clear();
  for (const cut of cuts) cut();
}

function trafficKey(target: TargetAddress): string {
  return `${placeKey(target)} ${targetKey(target)}`;
}
