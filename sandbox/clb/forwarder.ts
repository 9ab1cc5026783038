import type { HealthStatus } from './health.ts';
import { type Change, type ListenerSettings, type Place, type Protocol, targetKey } from './state.ts';

export interface Endpoint {
  readonly vip: string;
  readonly port: number;
  readonly protocol: Protocol;
}

export interface TargetAddress extends Place {
  readonly address: string;
  readonly port: number;
}

interface WeightedTarget extends TargetAddress {
  weight: number;
  /** The running value of smooth weighted round robin. */
  current: number;
}

interface Session {
  readonly key: string;
  expiresAt: number;
}

interface ForwardedListener {
  readonly vip: string;
  settings: ListenerSettings;
  readonly targets: Map<string, WeightedTarget>;
  /** By client address, oldest first. */
  readonly sessions: Map<string, Session>;
}

export interface ForwarderOptions {
  readonly health: (place: Place, key: string) => HealthStatus;
  readonly sessionsIgnoreWeightZero: boolean;
}

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
    if ('locationId' in change && change.locationId !== '') return;
    switch (change.kind) {
      case 'listener-created':
      case 'listener-modified':
        this.#put(change.vip, change.settings);
        return;
      case 'listener-deleted':
        this.#remove(change.listenerId);
        return;
      case 'target-registered':
      case 'target-reweighted':
        this.#weigh(change.listenerId, change, change.weight);
        return;
      case 'target-deregistered':
        this.#listeners.get(change.listenerId)?.targets.delete(targetKey(change));
        return;
      case 'rule-created':
      case 'rule-modified':
      case 'rule-deleted':
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

  /** The weights as this forwarder knows them. */
  view(): Readonly<Record<string, Readonly<Record<string, number>>>> {
    const weightsOf = ({ targets }: ForwardedListener) =>
      Object.fromEntries([...targets].map(([key, { weight }]) => [key, weight]));
    return Object.fromEntries([...this.#listeners].map(([id, listener]) => [id, weightsOf(listener)]));
  }

  /** Where a new connection goes, or undefined when nothing may get it. */
  choose(listenerId: string, clientAddress: string, now: number): TargetAddress | undefined {
    const listener = this.#listeners.get(listenerId);
    if (!listener) return undefined;
    const kept = this.#sessionTarget(listener, clientAddress, now);
    const chosen = kept ?? nextByWeight(this.#eligible(listener));
    if (chosen) remember(listener, clientAddress, targetKey(chosen), now);
    return chosen && { listenerId, locationId: '', address: chosen.address, port: chosen.port };
  }

  #put(vip: string, settings: ListenerSettings): void {
    const known = this.#listeners.get(settings.id);
    if (known) {
      known.settings = settings;
      return;
    }
    this.#listeners.set(settings.id, { vip, settings, targets: new Map(), sessions: new Map() });
    this.#idByEndpoint.set(endpointKey({ vip, port: settings.port, protocol: settings.protocol }), settings.id);
  }

  #remove(listenerId: string): void {
    const endpoint = this.endpointOf(listenerId);
    this.#listeners.delete(listenerId);
    if (endpoint && this.listenerAt(endpoint) === listenerId) this.#idByEndpoint.delete(endpointKey(endpoint));
  }

  #weigh(listenerId: string, target: { readonly address: string; readonly port: number }, weight: number): void {
    const targets = this.#listeners.get(listenerId)?.targets;
    const known = targets?.get(targetKey(target));
    if (known) known.weight = weight;
    else {
      const { address, port } = target;
      targets?.set(targetKey(target), { listenerId, locationId: '', address, port, weight, current: 0 });
    }
  }

  #sessionTarget(listener: ForwardedListener, clientAddress: string, now: number): WeightedTarget | undefined {
    const session = listener.sessions.get(clientAddress);
    if (!session || session.expiresAt <= now || listener.settings.sessionExpireSeconds === 0) return undefined;
    const target = listener.targets.get(session.key);
    if (!target || this.#status(target) === 'Dead') return undefined;
    return target.weight > 0 || this.#options.sessionsIgnoreWeightZero ? target : undefined;
  }

  /** Healthy ones; when there is none, all that failed. A target still being probed for the first time gets nothing. */
  #eligible(listener: ForwardedListener): WeightedTarget[] {
    const open = [...listener.targets.values()].filter(({ weight }) => weight > 0);
    const healthy = open.filter(target => ['Alive', 'Close'].includes(this.#status(target)));
    return healthy.length > 0 ? healthy : open.filter(target => this.#status(target) === 'Dead');
  }

  #status(target: WeightedTarget): HealthStatus {
    return this.#options.health(target, targetKey(target));
  }
}

/** Smooth weighted round robin: in any run of picks each target comes as often as its weight says, evenly spread. */
function nextByWeight(targets: readonly WeightedTarget[]): WeightedTarget | undefined {
  let chosen: WeightedTarget | undefined;
  let total = 0;
  for (const target of targets) {
    total += target.weight;
    target.current += target.weight;
    if (!chosen || target.current > chosen.current) chosen = target;
  }
  if (chosen) chosen.current -= total;
  return chosen;
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
