import { type Random, randomInteger } from '../../../common/random.ts';
import { ClbError } from '../../../sandbox/clb/clb-error.ts';
import { pick } from '../pick.ts';
import type { World } from '../world.ts';

interface StrangersOptions {
  readonly world: World;
  readonly random: Random;
  /** The ids of the load balancers that Services may share. */
  readonly shared: readonly string[];
  /** Ports of listeners of ours that they leave alone. */
  readonly sparedPorts?: readonly number[];
}

/** Nobody else is ever to change anything here. */
const THEIRS = 'lb-theirs';
const GAP_MS = [2_000, 12_000] as const;
const PORTS = [80, 81, 82, 9_000];

interface Held {
  readonly loadBalancerId: string;
  readonly listenerId: string;
}

interface HeldTarget extends Held {
  readonly address: string;
  /** As CLB described it when it was made. */
  description: string;
}

interface DescribedListener {
  readonly ListenerId: string;
  readonly ListenerName: string;
  readonly Port: number;
  readonly Targets: readonly DescribedTarget[] | null;
}

interface DescribedTarget {
  readonly PrivateIpAddresses: readonly string[];
  readonly Port: number;
  readonly Weight: number;
  readonly Tag: string;
}

/**
 * Other people in the same account. They have a load balancer of their own, listeners on the shared ones and targets on
 * ours, all of which has to stay as it is; and they meddle with what is ours, which has to be mended.
 */
export class Strangers {
  readonly told: string[] = [];
  readonly #options: StrangersOptions;
  /** By listener id: as CLB described it and its targets. */
  readonly #listeners = new Map<string, Held & { description: string }>();
  readonly #targets = new Map<string, HeldTarget>();
  #seedDescription = '';
  #timer: { cancel(): void } | undefined;
  #addresses = 0;

  constructor(options: StrangersOptions) {
    this.#options = options;
  }

  /** What is theirs from the start. */
  settle(): void {
    const { clb } = this.#options.world;
    for (const id of [THEIRS, ...this.#options.shared]) clb.seed({ id, tags: [{ TagKey: 'owner', TagValue: 'them' }] });
    this.#addListener(THEIRS, 80);
    this.#addListener(THEIRS, 81);
    for (const id of this.#options.shared) this.#addListener(id, 443);
    this.#seedDescription = this.#describeLoadBalancers();
  }

  begin(): void {
    this.#again();
  }

  end(): void {
    this.#timer?.cancel();
  }

  ownsLoadBalancer(id: string): boolean {
    return id === THEIRS;
  }

  ownsListener(id: string): boolean {
    return this.#listeners.has(id);
  }

  ownsTarget(listenerId: string, address: string): boolean {
    return this.#targets.has(`${listenerId} ${address}`) || this.ownsListener(listenerId);
  }

  /** What of theirs is not as they left it. */
  damage(): readonly string[] {
    const found: string[] = [];
    if (this.#describeLoadBalancers() !== this.#seedDescription) found.push('a load balancer of others has changed');
    for (const [id, { description, ...held }] of this.#listeners) {
      if (this.#describeListener(held) !== description) found.push(`listener ${id} of others has changed`);
    }
    for (const { description, ...held } of this.#targets.values()) {
      const listener = this.#listenerAt(held);
      if (listener && this.#describeTarget(listener, held.address) !== description) {
        found.push(`target ${held.address} of others on ${held.listenerId} has changed`);
      }
    }
    return found;
  }

  #again(): void {
    this.#timer = this.#options.world.clock.schedule(this.#draw(GAP_MS), () => {
      this.#doSomething();
      this.#again();
    });
  }

  #doSomething(): void {
    const sharedId = this.#pick(this.#options.shared);
    this.#pick([
      () => this.#addListener(sharedId, this.#pick(PORTS)),
      () => this.#removeListener(),
      () => this.#removeListener(),
      () => this.#joinOurs(),
      () => this.#joinOurs(),
      () => this.#reweighOurs(),
      () => this.#reweighOurs(),
      () => this.#unbindOurs(),
      () => this.#removeOurs(sharedId),
    ])();
  }

  #addListener(loadBalancerId: string, port: number): void {
    const listener = { LoadBalancerId: loadBalancerId, Ports: [port], Protocol: 'TCP', ListenerNames: ['theirs'] };
    const made = this.#atOnce('CreateListener', listener) as { ListenerIds: string[] } | undefined;
    const [listenerId] = made?.ListenerIds ?? [];
    if (listenerId === undefined) return;
    for (const weight of [0, 7]) this.#bind({ loadBalancerId, listenerId }, weight);
    const held = { loadBalancerId, listenerId };
    this.#listeners.set(listenerId, { ...held, description: this.#describeListener(held) });
  }

  #removeListener(): void {
    const removable = [...this.#listeners.values()].filter(held => !this.ownsLoadBalancer(held.loadBalancerId));
    if (removable.length === 0) return;
    const { loadBalancerId, listenerId } = this.#pick(removable);
    const asked = { LoadBalancerId: loadBalancerId, ListenerIds: [listenerId] };
    if (this.#atOnce('DeleteLoadBalancerListeners', asked)) this.#listeners.delete(listenerId);
  }

  /** A target of theirs on a listener of ours. */
  #joinOurs(): void {
    const found = this.#ours();
    if (found.length === 0) return;
    const { loadBalancerId, listener } = this.#pick(found);
    const held = { loadBalancerId, listenerId: listener.ListenerId };
    const address = this.#bind(held, this.#draw([0, 100]));
    if (address === undefined) return;
    const target = { ...held, address, description: '' };
    const shown = this.#listenerAt(target);
    if (shown) target.description = this.#describeTarget(shown, address);
    this.#targets.set(`${held.listenerId} ${address}`, target);
  }

  #reweighOurs(): void {
    this.#onOurTarget((place, { Tag: _, ...target }) => {
      const Targets = [{ ...target, Weight: this.#pick([0, 3, 50]) }];
      const ModifyList = [{ ListenerId: place.listenerId, Targets }];
      this.#later('BatchModifyTargetWeight', { LoadBalancerId: place.loadBalancerId, ModifyList });
    });
  }

  #unbindOurs(): void {
    this.#onOurTarget(({ loadBalancerId, listenerId }, { EniIp, Port }) => {
      const Targets = [{ ListenerId: listenerId, EniIp, Port }];
      this.#later('BatchDeregisterTargets', { LoadBalancerId: loadBalancerId, Targets });
    });
  }

  #removeOurs(loadBalancerId: string): void {
    const found = this.#ours().filter(each => each.loadBalancerId === loadBalancerId);
    if (found.length === 0) return;
    const { listener } = this.#pick(found);
    this.#later('DeleteLoadBalancerListeners', { LoadBalancerId: loadBalancerId, ListenerIds: [listener.ListenerId] });
  }

  #onOurTarget(act: (place: Held, target: { EniIp: string; Port: number; Tag: string }) => void): void {
    const found = this.#ours().flatMap(({ loadBalancerId, listener }) =>
      (listener.Targets ?? [])
        .filter(({ Tag }) => Tag.startsWith('cd1:'))
        .map(({ PrivateIpAddresses: [EniIp = ''], Port, Tag }) => ({
          place: { loadBalancerId, listenerId: listener.ListenerId },
          target: { EniIp, Port, Tag },
        })),
    );
    if (found.length === 0) return;
    const { place, target } = this.#pick(found);
    act(place, target);
  }

  /** Listeners that they did not make. */
  #ours(): readonly { loadBalancerId: string; listener: DescribedListener }[] {
    const all = this.#ask('DescribeLoadBalancers', { Limit: 100 }) as { LoadBalancerSet: { LoadBalancerId: string }[] };
    return all.LoadBalancerSet.map(({ LoadBalancerId }) => LoadBalancerId).flatMap(loadBalancerId =>
      this.#listenersOf(loadBalancerId)
        .filter(({ ListenerId, Port }) => !this.ownsListener(ListenerId) && !this.#options.sparedPorts?.includes(Port))
        .map(listener => ({ loadBalancerId, listener })),
    );
  }

  /** @returns its address */
  #bind({ loadBalancerId, listenerId }: Held, weight: number): string | undefined {
    this.#addresses += 1;
    const EniIp = `10.99.${Math.floor(this.#addresses / 250)}.${(this.#addresses % 250) + 1}`;
    const target = { ListenerId: listenerId, EniIp, Port: 80, Weight: weight, Tag: this.#pick(['', 'theirs']) };
    return this.#atOnce('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets: [target] }) && EniIp;
  }

  #describeLoadBalancers(): string {
    return JSON.stringify(this.#ask('DescribeLoadBalancers', { LoadBalancerIds: [THEIRS, ...this.#options.shared] }));
  }

  #describeListener(held: Held): string {
    const parameters = { LoadBalancerId: held.loadBalancerId, ListenerIds: [held.listenerId] };
    return JSON.stringify([this.#ask('DescribeListeners', parameters), this.#listenerAt(held)]);
  }

  #describeTarget({ Targets }: DescribedListener, address: string): string {
    return JSON.stringify((Targets ?? []).find(({ PrivateIpAddresses }) => PrivateIpAddresses[0] === address));
  }

  #listenerAt({ loadBalancerId, listenerId }: Held): DescribedListener | undefined {
    return this.#listenersOf(loadBalancerId).find(({ ListenerId }) => ListenerId === listenerId);
  }

  #listenersOf(loadBalancerId: string): readonly DescribedListener[] {
    const answer = this.#ask('DescribeTargets', { LoadBalancerId: loadBalancerId }) as
      | { Listeners: DescribedListener[] }
      | undefined;
    return answer?.Listeners ?? [];
  }

  /** Without the request's own id, so that two answers can be compared. */
  #ask(action: string, parameters: object): Record<string, unknown> | undefined {
    const answer = this.#try(() => this.#options.world.clb.elsewhere.writeAtOnce(action, parameters));
    if (!answer) return undefined;
    const { RequestId: _, ...inside } = answer;
    return inside;
  }

  #atOnce(action: string, parameters: object): Record<string, unknown> | undefined {
    const answer = this.#try(() => this.#options.world.clb.elsewhere.writeAtOnce(action, parameters));
    if (answer) this.#tell(action, parameters);
    return answer;
  }

  /** As everybody else does it: it takes its time and its turn. */
  #later(action: string, parameters: object): void {
    this.#tell(action, parameters);
    this.#options.world.clb.elsewhere.call(action, parameters).catch(error => {
      if (!(error instanceof ClbError)) throw error;
    });
  }

  /** Undefined when CLB refused it. */
  #try<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      if (error instanceof ClbError) return undefined;
      throw error;
    }
  }

  #tell(action: string, parameters: object): void {
    const { clock, log } = this.#options.world;
    this.told.push(`${(clock.now() / 1_000).toFixed(1)} s: others: ${action} ${JSON.stringify(parameters)}`);
    log.add('strangers', { action, parameters });
  }

  #draw(range: readonly [number, number]): number {
    return randomInteger(this.#options.random, ...range);
  }

  #pick<T>(choices: readonly T[]): T {
    return pick(this.#options.random, choices);
  }
}
