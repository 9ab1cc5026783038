import type { Random } from '../../common/random.ts';
import { ClbError } from './clb-error.ts';

export type LayerSevenProtocol = 'HTTP' | 'HTTPS';
export type Protocol = 'TCP' | 'UDP' | 'TCP_SSL' | LayerSevenProtocol;

/** Names of certificates; the SSL product has them. */
export interface Certificate {
  /** Several differ in their algorithm. */
  readonly ids: readonly string[];
  /** Set: clients must show a certificate of this authority. */
  readonly authorityId?: string;
}

export interface HealthCheckSettings {
  readonly enabled: boolean;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** When set, probed instead of the target's own port. Rules have none. */
  readonly checkPort?: number;
  /** Probes come from 100.64/10; without effect here. */
  readonly isFromSharedRange?: boolean;
  /** When set, the target must answer a request; without it, it is probed as its listener's protocol says. */
  readonly http?: HttpCheckSettings;
}

export interface HttpCheckSettings {
  readonly protocol: LayerSevenProtocol;
  readonly method: 'HEAD' | 'GET';
  /** The `Host` of the request; empty: the target's address. */
  readonly domain: string;
  readonly path: string;
  /** The statuses that pass, a bit each: 1 is 1xx, 2 is 2xx, 4 is 3xx, 8 is 4xx, 16 is 5xx. */
  readonly passingStatuses: number;
}

/**
 * Everything about a listener but its rules and targets; replaced as a whole when it is modified. On layer 7 scheduler,
 * session and health check are those of the rules.
 */
export interface ListenerSettings {
  readonly id: string;
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly scheduler: string;
  /** 0: no session persistence. */
  readonly sessionExpireSeconds: number;
  readonly healthCheck: HealthCheckSettings;
  /** Of TCP_SSL, and of HTTPS without SNI. */
  readonly certificate?: Certificate;
  /** HTTPS: each domain has its own certificate. */
  readonly isSni?: boolean;
  /** Layer 7: connections to targets are kept; without effect here. */
  readonly keepalive?: boolean;
  /** Without effect here: targets always see the client's address. */
  readonly snat?: boolean;
  /** Layer 4; without effect here. */
  readonly deregisterTargetRst?: boolean;
  /** Kept and shown, without any effect here. */
  readonly rescheduleSeconds?: number;
  readonly createdAt: number;
}

/** Everything about a forwarding rule but its targets; replaced as a whole when it is modified. */
export interface RuleSettings {
  /** `loc-` and eight characters. */
  readonly locationId: string;
  /** May begin with `*.`, or end with `.*`. */
  readonly domain: string;
  /** The beginning of the paths it is for; after `=` the only path. */
  readonly url: string;
  readonly scheduler: string;
  /** 0: no session persistence; otherwise by a cookie. */
  readonly sessionExpireSeconds: number;
  readonly healthCheck: HealthCheckSettings;
  /** What the load balancer speaks to the targets. */
  readonly forwardProtocol: LayerSevenProtocol;
  /** Requests for no known domain go by the rules of the default one; there is one as long as there are rules. */
  readonly isDefaultDomain: boolean;
  /** Of the domain, with SNI. */
  readonly certificate?: Certificate;
  /** Of the domain, on HTTPS. */
  readonly http2?: boolean;
  /** Requests are sent on to another rule, and reach no target of this one. */
  readonly rewrite?: Rewrite;
  readonly createdAt: number;
}

/** Where a rule of one listener sends clients: to the host and path of a rule of another. */
export interface Rewrite extends Place {
  readonly code: number;
  /** The request's own path and query are kept; otherwise it is the rule's. */
  readonly keepsUrl: boolean;
}

/** By `targetKey`. */
export type Targets = Map<string, Target>;

export interface Target {
  /** Of an instance, its private address. */
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly tag: string;
  readonly registeredAt: number;
  /** Set when it was bound by InstanceId instead of EniIp. */
  readonly instanceId?: string;
}

export interface Listener {
  settings: ListenerSettings;
  /** Empty on layer 7. */
  readonly targets: Targets;
  /** By location id; empty on layer 4. */
  readonly rules: Map<string, Rule>;
}

export interface Rule {
  settings: RuleSettings;
  readonly targets: Targets;
}

/** Where targets are bound: a listener of layer 4 (the location id is empty) or a rule of one of layer 7. */
export interface Place {
  readonly listenerId: string;
  readonly locationId: string;
}

export interface LoadBalancer {
  readonly id: string;
  name: string;
  readonly type: 'OPEN' | 'INTERNAL';
  readonly vpcId: string;
  readonly subnetId: string;
  tags: readonly Tag[];
  readonly createdAt: number;
  deleteProtected: boolean;
  /** The guard against the deletion of load balancers in use sees traffic. */
  hasTraffic: boolean;
  /** When set, targets per listener or rule in place of the account's quota. */
  targetQuota: number | undefined;
  /** `ordered`: paid for, but no read shows it yet. */
  status: 'ordered' | 'creating' | 'running';
  /** Where its traffic goes in. Empty until it runs. */
  vip: string;
  /** False for a domain-type load balancer: no read shows the address, which may change at any time. */
  vipShown: boolean;
  /** Empty for all but domain-type load balancers. */
  domain: string;
  /** Empty: it takes IPv4 alone. */
  ipv6Vip: string;
  attributes: LoadBalancerAttributes;
  /** A write is under way. */
  operating: boolean;
  /** By the clock; writes are refused until then. */
  busyUntil: number;
  readonly listeners: Map<string, Listener>;
}

/** What can be chosen at the creation of a load balancer, and some of it changed later. */
export interface LoadBalancerAttributes {
  readonly securityGroups: readonly string[];
  /** Traffic of the load balancer passes the targets' own security groups. */
  readonly passToTarget: boolean;
  /** Of public ones; as CLB writes it. */
  readonly internet: {
    readonly InternetChargeType?: string | undefined;
    readonly InternetMaxBandwidthOut?: number | undefined;
  };
  readonly addressVersion: 'IPV4' | 'IPV6' | 'IPv6FullChain';
  /** Zones, lines and the like: kept and shown, without any effect. */
  readonly shown: Readonly<Record<string, unknown>>;
}

export interface Tag {
  readonly TagKey: string;
  readonly TagValue: string;
}

/** One thing that became visible by the API; forwarders and health checks live on these alone. */
export type Change =
  | {
      readonly kind: 'load-balancer-created' | 'load-balancer-deleted';
      readonly loadBalancerId: string;
      readonly vip: string;
    }
  | {
      readonly kind: 'listener-created' | 'listener-modified';
      readonly loadBalancerId: string;
      readonly vip: string;
      readonly settings: ListenerSettings;
    }
  | { readonly kind: 'listener-deleted'; readonly loadBalancerId: string; readonly listenerId: string }
  | RuleChange
  | TargetChange;

export type RuleChange = Place & { readonly loadBalancerId: string } & (
    | { readonly kind: 'rule-created' | 'rule-modified'; readonly rule: RuleSettings }
    | { readonly kind: 'rule-deleted' }
  );

/** A change of the tag alone counts as reweighted. */
export interface TargetChange extends Place {
  readonly kind: 'target-registered' | 'target-reweighted' | 'target-deregistered';
  readonly loadBalancerId: string;
  readonly address: string;
  readonly port: number;
  /** The weight from now on; of a deregistered target the one it had. */
  readonly weight: number;
  readonly tag: string;
  /** Set when it is bound by InstanceId instead of EniIp. */
  readonly instanceId?: string;
}

/**
 * Names a binding within its place. An instance is bound by its id only, and has one private address, so the address
 * stands for it.
 */
export function targetKey(target: { readonly address: string; readonly port: number }): string {
  return `${target.address}:${target.port}`;
}

/** What the account owns. */
export class ClbState {
  readonly loadBalancers = new Map<string, LoadBalancer>();
  /** Moments of deletions, for the guard against mass deletion. */
  readonly deletions: number[] = [];
  /** Addresses and instance ids that cannot be bound, and certificates that do not exist. */
  readonly refused = new Set<string>();
  readonly #freeVips: string[];
  readonly #random: Random;

  constructor(vips: readonly string[], random: Random) {
    this.#freeVips = [...vips];
    this.#random = random;
  }

  freeVips(): number {
    return this.#freeVips.length;
  }

  /** @throws ClbError ResourceInsufficient when the pool is empty or the address is not free. */
  takeVip(wanted?: string): string {
    const index = wanted === undefined ? 0 : this.#freeVips.indexOf(wanted);
    const [vip] = index < 0 ? [] : this.#freeVips.splice(index, 1);
    if (vip === undefined) throw new ClbError('ResourceInsufficient', `No free VIP ${wanted ?? 'is left'}.`);
    return vip;
  }

  giveVipBack(vip: string): void {
    if (vip !== '') this.#freeVips.push(vip);
  }

  /** A name as the cloud draws them: `lb-`, `lbl-` or `loc-` and eight characters. */
  newId(prefix: 'lb' | 'lbl' | 'loc'): string {
    const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
    const digits = Array.from({ length: 8 }, () => alphabet[Math.floor(this.#random.next() * alphabet.length)]);
    return `${prefix}-${digits.join('')}`;
  }

  find(id: string): LoadBalancer | undefined {
    return this.loadBalancers.get(id);
  }

  all(): Iterable<LoadBalancer> {
    return this.loadBalancers.values();
  }
}

/** What a read looks at. */
export interface StateView {
  find(id: string): LoadBalancer | undefined;
  all(): Iterable<LoadBalancer>;
}

/** @throws ClbError InvalidParameter.LBIdNotFound. */
export function loadBalancerOf(view: StateView, id: string): LoadBalancer {
  const found = view.find(id);
  if (!found || found.status === 'ordered') {
    throw new ClbError('InvalidParameter.LBIdNotFound', `LoadBalancer not exist: ${id}.`);
  }
  return found;
}

/** @throws ClbError InvalidParameter.ListenerIdNotFound. */
export function listenerOf(loadBalancer: LoadBalancer, listenerId: string): Listener {
  const found = loadBalancer.listeners.get(listenerId);
  if (!found) throw new ClbError('InvalidParameter.ListenerIdNotFound', `Listener ${listenerId} not exists.`);
  return found;
}

/** Takes a listener with all its rules and targets away. */
export function removeListener(loadBalancer: LoadBalancer, listener: Listener): Change[] {
  const listenerId = listener.settings.id;
  loadBalancer.listeners.delete(listenerId);
  return [
    ...[...listener.rules.values()].flatMap(rule => removeRule(loadBalancer, listener, rule)),
    ...deregistered(loadBalancer, { listenerId, locationId: '' }, listener.targets),
    { kind: 'listener-deleted', loadBalancerId: loadBalancer.id, listenerId },
  ];
}

/** Takes a rule with all its targets away. */
export function removeRule(loadBalancer: LoadBalancer, listener: Listener, rule: Rule): Change[] {
  const place = { listenerId: listener.settings.id, locationId: rule.settings.locationId };
  listener.rules.delete(place.locationId);
  return [
    ...deregistered(loadBalancer, place, rule.targets),
    { kind: 'rule-deleted', loadBalancerId: loadBalancer.id, ...place },
  ];
}

function deregistered(loadBalancer: LoadBalancer, place: Place, targets: Targets): TargetChange[] {
  return [...targets.values()].map(({ registeredAt: _, ...target }) => ({
    kind: 'target-deregistered',
    loadBalancerId: loadBalancer.id,
    ...place,
    ...target,
  }));
}
