import type { LoadBalancerEdit, LoadBalancerSeed } from '../../../sandbox/clb/new-load-balancer.ts';
import type { ClbServer } from '../../../sandbox/clb/server.ts';
import { podNameOf } from '../evidence.ts';

export interface HeldLoadBalancer {
  readonly id: string;
  readonly name: string;
  readonly type: 'OPEN' | 'INTERNAL';
  readonly vips: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface HeldListener {
  readonly id: string;
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

export interface HeldTarget {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly tag: string;
  /** By the mark; empty when it carries none of ours. */
  readonly podName: string;
  /** Empty unless it is bound by instance. */
  readonly instanceId: string;
}

/** One host and path of a listener on layer 7. */
export interface HeldForwardingRule {
  readonly listenerId: string;
  readonly protocol: string;
  readonly port: number;
  readonly domain: string;
  readonly url: string;
  /** Empty: none. */
  readonly certificateId: string;
  readonly scheduler: string;
  readonly intervalSeconds: number;
  readonly targets: readonly HeldTarget[];
}

interface BoundTarget {
  readonly InstanceId: string;
  readonly Port: number;
  readonly Weight: number;
  readonly PrivateIpAddresses: readonly string[];
  readonly Tag?: string;
}

/** On layer 4 it has targets, on layer 7 rules that have. */
interface BoundListener {
  readonly Targets: readonly BoundTarget[] | null;
  readonly Rules: readonly { readonly LocationId: string; readonly Targets: readonly BoundTarget[] }[] | null;
}

interface DescribedListener {
  readonly ListenerId: string;
  readonly Protocol: string;
  readonly Port: number;
  readonly Rules:
    | readonly {
        readonly LocationId: string;
        readonly Domain: string;
        readonly Url: string;
        readonly Scheduler: string;
        readonly Certificate: { readonly CertId?: string } | null;
        readonly HealthCheck: { readonly IntervalTime: number };
      }[]
    | null;
}

function heldTarget(target: BoundTarget): HeldTarget {
  const { Tag = '' } = target;
  return {
    address: target.PrivateIpAddresses[0] ?? '',
    port: target.Port,
    weight: target.Weight,
    tag: Tag,
    podName: podNameOf(Tag),
    instanceId: target.InstanceId,
  };
}

type Protocol = 'TCP' | 'UDP';

/** What the CLB account holds now, and what other people do in it. Reads and writes take no time and meet no limit. */
export class Account {
  readonly #clb: ClbServer;

  constructor(clb: ClbServer) {
    this.#clb = clb;
  }

  loadBalancers(): readonly HeldLoadBalancer[] {
    const { LoadBalancerSet } = this.#do('DescribeLoadBalancers', { Limit: 100 }) as {
      LoadBalancerSet: {
        LoadBalancerId: string;
        LoadBalancerName: string;
        LoadBalancerType: 'OPEN' | 'INTERNAL';
        LoadBalancerVips: string[];
        Tags: { TagKey: string; TagValue: string }[];
      }[];
    };
    return LoadBalancerSet.map(found => ({
      id: found.LoadBalancerId,
      name: found.LoadBalancerName,
      type: found.LoadBalancerType,
      vips: found.LoadBalancerVips,
      tags: Object.fromEntries(found.Tags.map(({ TagKey, TagValue }) => [TagKey, TagValue])),
    }));
  }

  listenersOf(loadBalancerId: string): readonly HeldListener[] {
    const { Listeners } = this.#do('DescribeListeners', { LoadBalancerId: loadBalancerId }) as {
      Listeners: { ListenerId: string; ListenerName: string; Protocol: string; Port: number }[];
    };
    return Listeners.map(({ ListenerId, ListenerName, Protocol, Port }) => ({
      id: ListenerId,
      name: ListenerName,
      protocol: Protocol,
      port: Port,
    }));
  }

  /** Everything that CLB tells about a listener but its targets. */
  settingsOf(loadBalancerId: string, listenerId: string): unknown {
    const parameters = { LoadBalancerId: loadBalancerId, ListenerIds: [listenerId] };
    return (this.#do('DescribeListeners', parameters) as { Listeners: unknown[] }).Listeners[0];
  }

  /** None, too, when nobody listens there. */
  targetsOn(loadBalancerId: string, port: number, protocol: Protocol = 'TCP'): readonly HeldTarget[] {
    const parameters = { LoadBalancerId: loadBalancerId, Port: port, Protocol: protocol };
    const { Listeners } = this.#do('DescribeTargets', parameters) as { Listeners: BoundListener[] };
    return Listeners.flatMap(({ Targets }) => Targets ?? []).map(heldTarget);
  }

  /** Of listeners on layer 7, whoever made them. */
  forwardingRulesOn(loadBalancerId: string): readonly HeldForwardingRule[] {
    const query = { LoadBalancerId: loadBalancerId };
    const bound = this.#do('DescribeTargets', query) as { Listeners: BoundListener[] };
    const targets = new Map(bound.Listeners.flatMap(({ Rules }) => Rules ?? []).map(each => [each.LocationId, each]));
    const { Listeners } = this.#do('DescribeListeners', query) as { Listeners: DescribedListener[] };
    return Listeners.flatMap(listener =>
      (listener.Rules ?? []).map(rule => ({
        listenerId: listener.ListenerId,
        protocol: listener.Protocol,
        port: listener.Port,
        domain: rule.Domain,
        url: rule.Url,
        certificateId: rule.Certificate?.CertId ?? '',
        scheduler: rule.Scheduler,
        intervalSeconds: rule.HealthCheck.IntervalTime,
        targets: (targets.get(rule.LocationId)?.Targets ?? []).map(heldTarget),
      })),
    );
  }

  /** Addresses that get connections on a port, in order. */
  openOn(loadBalancerId: string, port: number, protocol: Protocol = 'TCP'): readonly string[] {
    const open = this.targetsOn(loadBalancerId, port, protocol).filter(({ weight }) => weight > 0);
    return open.map(({ address }) => address).toSorted();
  }

  /** Whether CLB's check has passed for every target of the address there. */
  isHealthy(loadBalancerId: string, address: string): boolean {
    const { LoadBalancers } = this.#do('DescribeTargetHealth', { LoadBalancerIds: [loadBalancerId] }) as {
      LoadBalancers: {
        Listeners: { Rules: { Targets: { IP: string; HealthStatusDetail: string }[] }[] }[];
      }[];
    };
    const rules = LoadBalancers.flatMap(({ Listeners }) => Listeners).flatMap(({ Rules }) => Rules);
    const own = rules.flatMap(({ Targets }) => Targets).filter(({ IP }) => IP === address);
    return own.length > 0 && own.every(({ HealthStatusDetail }) => HealthStatusDetail === 'Alive');
  }

  // --- other people

  /** A running load balancer that somebody made. @returns its address */
  addLoadBalancer(id: string, seed: Omit<LoadBalancerSeed, 'id'> = {}): string {
    return this.#clb.seed({ id, ...seed }).vip;
  }

  removeLoadBalancer(id: string): void {
    this.#do('DeleteLoadBalancer', { LoadBalancerIds: [id], ForceDelete: true });
  }

  edit(loadBalancerId: string, edit: LoadBalancerEdit): void {
    this.#clb.elsewhere.edit(loadBalancerId, edit);
  }

  /** @returns its id */
  addListener(loadBalancerId: string, options: { port: number; protocol?: string; more?: object }): string {
    const { port, protocol = 'TCP', more } = options;
    const listener = { Ports: [port], Protocol: protocol, ListenerNames: ['theirs'], ...more };
    const { ListenerIds } = this.#do('CreateListener', { LoadBalancerId: loadBalancerId, ...listener }) as {
      ListenerIds: string[];
    };
    return ListenerIds[0] ?? '';
  }

  removeListener(loadBalancerId: string, listenerId: string): void {
    this.#do('DeleteLoadBalancerListeners', { LoadBalancerId: loadBalancerId, ListenerIds: [listenerId] });
  }

  /** From now on CLB takes none of these addresses. */
  refuse(addresses: readonly string[]): void {
    this.#clb.elsewhere.refuse(addresses);
  }

  accept(addresses: readonly string[]): void {
    this.#clb.elsewhere.accept(addresses);
  }

  /** The machines behind these addresses are gone: CLB unbinds them by itself, and takes them no more. */
  release(addresses: readonly string[]): void {
    this.#clb.elsewhere.release(addresses);
  }

  bind(loadBalancerId: string, listenerId: string, targets: readonly { address: string; weight?: number }[]): void {
    const Targets = targets.map(({ address, weight = 10 }) => ({
      ListenerId: listenerId,
      EniIp: address,
      Port: 80,
      Weight: weight,
    }));
    this.#do('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets });
  }

  #do(action: string, parameters: object): Record<string, unknown> {
    return this.#clb.elsewhere.writeAtOnce(action, parameters);
  }
}
