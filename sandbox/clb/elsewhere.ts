import { unbind } from './binding.ts';
import type { LoadBalancerEdit, LoadBalancerSeed } from './new-load-balancer.ts';
import { seedLoadBalancer } from './new-load-balancer.ts';
import { placesOf } from './place.ts';
import { type Change, type ClbState, loadBalancerOf } from './state.ts';

export interface ElsewhereOptions {
  readonly state: ClbState;
  readonly wallNow: () => number;
  /** Called the moment that reads begin to show the changes; `cause` stands in the journal for the action. */
  readonly show: (cause: string, changes: readonly Change[]) => void;
  readonly call: (action: string, parameters: unknown) => Promise<Record<string, unknown>>;
  readonly writeAtOnce: (action: string, parameters: unknown) => Record<string, unknown>;
}

/** What happens to the account without the calls of the one that is tested: by other people, and by the cloud itself. */
export class Elsewhere {
  readonly #options: ElsewhereOptions;

  constructor(options: ElsewhereOptions) {
    this.#options = options;
  }

  /** A running load balancer that someone else made. Returns its id and address. */
  seed(seed: LoadBalancerSeed): { readonly id: string; readonly vip: string } {
    const { id, vip } = seedLoadBalancer(this.#options.state, seed, this.#options.wallNow());
    this.#options.show('seed', [{ kind: 'load-balancer-created', loadBalancerId: id, vip }]);
    return { id, vip };
  }

  /** Changes what `edit` names, tags as a whole. @throws ClbError InvalidParameter.LBIdNotFound. */
  edit(loadBalancerId: string, edit: LoadBalancerEdit): void {
    Object.assign(loadBalancerOf(this.#options.state, loadBalancerId), edit);
  }

  /** From now on CLB refuses every call that would bind or change one of these addresses or instances. */
  refuse(names: readonly string[]): void {
    for (const name of names) this.#options.state.refused.add(name);
  }

  /** Takes a refusal back: the address has a new owner. */
  accept(names: readonly string[]): void {
    for (const name of names) this.#options.state.refused.delete(name);
  }

  acceptAll(): void {
    this.#options.state.refused.clear();
  }

  /** The addresses and instance ids that are refused. */
  refused(): readonly string[] {
    return [...this.#options.state.refused];
  }

  /**
   * The machines behind these addresses and instance ids are gone: CLB unbinds them everywhere at once, whatever else is
   * under way, and refuses them from now on.
   */
  release(names: readonly string[]): void {
    const gone = new Set(names);
    this.refuse(names);
    const changes = [...this.#options.state.all()].flatMap(loadBalancer =>
      [...loadBalancer.listeners.values()]
        .flatMap(placesOf)
        .flatMap(place =>
          [...place.targets]
            .filter(([, { address, instanceId }]) => gone.has(address) || gone.has(instanceId ?? ''))
            .flatMap(([key]) => unbind(loadBalancer, place, key)),
        ),
    );
    this.#options.show('release', changes);
  }

  /**
   * A call of the API by somebody else: it takes its time, locks what it writes and spends the rate limit.
   * @throws ClbError
   */
  call(action: string, parameters: unknown): Promise<Record<string, unknown>> {
    return this.#options.call(action, parameters);
  }

  /** The same, but done at once: without latency, lock or limit. @throws ClbError when CLB would refuse it. */
  writeAtOnce(action: string, parameters: unknown): Record<string, unknown> {
    return this.#options.writeAtOnce(action, parameters);
  }
}
