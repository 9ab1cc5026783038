import type { Clock } from '../../common/clock.ts';
import { seededRandom } from '../../common/random.ts';
import type { Endpoint } from './forwarder.ts';
import { Forwarding } from './forwarding.ts';
import type { HealthStatus } from './health.ts';
import type { ForwardedTarget, JournalRecord } from './journal.ts';
import {
  type Change,
  type HealthCheckSettings,
  type ListenerSettings,
  type RuleSettings,
  type TargetChange,
  targetKey,
} from './state.ts';
import { placeKey } from './target-pool.ts';

export const LISTENER = 'lbl-00000001';
export const DELAY_MAX_MS = 2_000;
const LOAD_BALANCER = 'lb-00000001';

export const NO_CHECK: HealthCheckSettings = {
  enabled: false,
  timeoutMs: 2_000,
  intervalMs: 5_000,
  healthyThreshold: 3,
  unhealthyThreshold: 3,
};

/** Forwarders with one listener of layer 7, told what the API shows by hand. */
export class LayerSevenFixture {
  readonly forwarding: Forwarding;
  readonly endpoint: Endpoint;
  readonly records: JournalRecord[] = [];
  /** By place and target; `Close` unless a test says otherwise. */
  readonly health = new Map<string, HealthStatus>();
  #calls = 0;

  constructor(clock: Clock, endpoint: Endpoint, forwarders = 1) {
    this.endpoint = endpoint;
    this.forwarding = new Forwarding({
      clock,
      random: seededRandom(1),
      settings: () => ({ forwarders, delayMinMs: 0, delayMaxMs: DELAY_MAX_MS }),
      health: (place, key) => this.health.get(`${placeKey(place)} ${key}`) ?? 'Close',
      sessionsIgnoreWeightZero: true,
      record: record => this.records.push(record),
    });
  }

  follow(...changes: readonly Change[]): void {
    this.#calls += 1;
    this.forwarding.follow(`call ${this.#calls}`, changes);
  }

  get listenerCreated(): Change {
    const { vip } = this.endpoint;
    return { kind: 'listener-created', loadBalancerId: LOAD_BALANCER, vip, settings: listenerSettings(this.endpoint) };
  }

  get listenerDeleted(): Change {
    return { kind: 'listener-deleted', loadBalancerId: LOAD_BALANCER, listenerId: LISTENER };
  }

  sick(locationId: string, address: string, port = 8080): void {
    this.health.set(`${LISTENER} ${locationId} ${targetKey({ address, port })}`, 'Dead');
  }

  /** What the journal tells of targets. */
  forwarded(): readonly ForwardedTarget[] {
    return this.records.flatMap(record => (record.kind === 'forwarded' ? record.targets : []));
  }
}

function listenerSettings({ port, protocol }: Endpoint): ListenerSettings {
  const unused = { name: '', scheduler: 'WRR', sessionExpireSeconds: 0, healthCheck: NO_CHECK, createdAt: 0 };
  return { ...unused, id: LISTENER, protocol, port };
}

/** A rule for every path of every domain, unless the test says otherwise. */
export function ruleCreated(locationId: string, rule: Partial<RuleSettings> = {}): Change {
  const settings: RuleSettings = {
    locationId,
    domain: 'www.example.com',
    url: '/',
    scheduler: 'WRR',
    sessionExpireSeconds: 0,
    healthCheck: NO_CHECK,
    forwardProtocol: 'HTTP',
    isDefaultDomain: true,
    createdAt: 0,
    ...rule,
  };
  return { kind: 'rule-created', loadBalancerId: LOAD_BALANCER, listenerId: LISTENER, locationId, rule: settings };
}

export function targetChange(
  kind: TargetChange['kind'],
  locationId: string,
  target: { readonly address: string; readonly port?: number; readonly weight?: number },
): TargetChange {
  const place = { loadBalancerId: LOAD_BALANCER, listenerId: LISTENER, locationId };
  return { kind, ...place, port: 8080, weight: 10, tag: '', ...target };
}
