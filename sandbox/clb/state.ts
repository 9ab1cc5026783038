import type { Random } from '../../common/random.ts';
import { ClbError } from './clb-error.ts';

export type Protocol = 'TCP' | 'UDP';

export interface HealthCheckSettings {
  readonly enabled: boolean;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** When set, probed instead of the target's own port. */
  readonly checkPort?: number;
}

/** Everything about a listener but its targets; replaced as a whole when it is modified. */
export interface ListenerSettings {
  readonly id: string;
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly scheduler: string;
  /** 0: no session persistence. */
  readonly sessionExpireSeconds: number;
  readonly healthCheck: HealthCheckSettings;
  readonly createdAt: number;
}

export interface Target {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly tag: string;
  readonly registeredAt: number;
}

export interface Listener {
  settings: ListenerSettings;
  /** By `targetKey`. */
  readonly targets: Map<string, Target>;
}

export interface LoadBalancer {
  readonly id: string;
  readonly name: string;
  readonly type: 'OPEN' | 'INTERNAL';
  readonly vpcId: string;
  readonly subnetId: string;
  readonly tags: readonly Tag[];
  readonly createdAt: number;
  deleteProtected: boolean;
  /** `ordered`: paid for, but no read shows it yet. */
  status: 'ordered' | 'creating' | 'running';
  /** Empty until it runs. */
  vip: string;
  /** A write is under way. */
  operating: boolean;
  /** By the clock; writes are refused until then. */
  busyUntil: number;
  readonly listeners: Map<string, Listener>;
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
  | TargetChange;

export interface TargetChange {
  readonly kind: 'target-registered' | 'target-reweighted' | 'target-deregistered';
  readonly loadBalancerId: string;
  readonly listenerId: string;
  readonly address: string;
  readonly port: number;
  /** The weight from now on; of a deregistered target the one it had. */
  readonly weight: number;
  readonly tag: string;
}

export function targetKey(target: { readonly address: string; readonly port: number }): string {
  return `${target.address}:${target.port}`;
}

/** What the account owns. */
export class ClbState {
  readonly loadBalancers = new Map<string, LoadBalancer>();
  /** Moments of deletions, for the guard against mass deletion. */
  readonly deletions: number[] = [];
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

  /** A name as the cloud draws them: `lb-` or `lbl-` and eight characters. */
  newId(prefix: 'lb' | 'lbl'): string {
    const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
    const digits = Array.from({ length: 8 }, () => alphabet[Math.floor(this.#random.next() * alphabet.length)]);
    return `${prefix}-${digits.join('')}`;
  }

  /** @throws ClbError InvalidParameter.LBIdNotFound. */
  loadBalancer(id: string): LoadBalancer {
    const found = this.loadBalancers.get(id);
    if (!found || found.status === 'ordered') {
      throw new ClbError('InvalidParameter.LBIdNotFound', `LoadBalancer not exist: ${id}.`);
    }
    return found;
  }
}

/** @throws ClbError InvalidParameter.ListenerIdNotFound. */
export function listenerOf(loadBalancer: LoadBalancer, listenerId: string): Listener {
  const found = loadBalancer.listeners.get(listenerId);
  if (!found) throw new ClbError('InvalidParameter.ListenerIdNotFound', `Listener ${listenerId} not exists.`);
  return found;
}

/** Takes a listener with all its targets away. */
export function removeListener(loadBalancer: LoadBalancer, listener: Listener): Change[] {
  const listenerId = listener.settings.id;
  loadBalancer.listeners.delete(listenerId);
  const changes: Change[] = [...listener.targets.values()].map(({ registeredAt: _, ...target }) => ({
    kind: 'target-deregistered',
    loadBalancerId: loadBalancer.id,
    listenerId,
    ...target,
  }));
  return [...changes, { kind: 'listener-deleted', loadBalancerId: loadBalancer.id, listenerId }];
}
