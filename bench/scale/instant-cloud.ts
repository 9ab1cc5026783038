import type {
  Binding,
  Cloud,
  CloudResult,
  Listener,
  LoadBalancer,
  TargetHealth,
} from '../../coordinator/cloud/types.ts';
import { bindingKey } from '../../coordinator/core/binding-key.ts';

/** What CLB holds for one Service. */
export interface Balancer {
  readonly loadBalancer: LoadBalancer;
  readonly listener: Listener;
  /** Made anew each time, as what comes off the wire is. */
  readonly bindings: () => Binding[];
}

/**
 * A cloud that answers at once, costs little and keeps next to nothing, so that what is measured is the coordinator. It
 * knows changes of weight alone: whatever else the coordinator wants is there already.
 */
export class InstantCloud implements Cloud {
  readonly #balancers = new Map<string, Balancer>();
  /** Weights that were changed, by binding key. */
  readonly #weights = new Map<string, number>();
  #weightChanges = 0;

  constructor(balancers: Iterable<Balancer>) {
    for (const balancer of balancers) this.#balancers.set(balancer.loadBalancer.id, balancer);
  }

  get weightChanges(): number {
    return this.#weightChanges;
  }

  describeLoadBalancers: Cloud['describeLoadBalancers'] = async ({ ids, tags }) => {
    const found = ids ? ids.flatMap(id => this.#balancers.get(id) ?? []) : [...this.#balancers.values()];
    const wanted = Object.entries(tags ?? {});
    const loadBalancers = found.map(balancer => balancer.loadBalancer);
    return done(loadBalancers.filter(({ tags: has }) => wanted.every(([key, value]) => has[key] === value)));
  };
  describeListeners: Cloud['describeListeners'] = async id => done([{ ...this.#of(id).listener }]);
  describeTargets: Cloud['describeTargets'] = async (id, listenerIds) =>
    done(listenerIds.includes(this.#of(id).listener.id) ? this.#bindings(id) : []);
  describeTargetHealth: Cloud['describeTargetHealth'] = async ids => done(ids.flatMap(id => this.#health(id)));
  describeQuota: Cloud['describeQuota'] = async () =>
    done({ listenersPerLoadBalancer: 50, forwardingRulesPerListener: 50, targetsPerRule: 200 });
  modifyWeights: Cloud['modifyWeights'] = async (_, targets) => {
    this.#weightChanges += targets.length;
    for (const target of targets) this.#weights.set(bindingKey(target), target.weight);
    return done(undefined);
  };
  createLoadBalancer: Cloud['createLoadBalancer'] = () => notExpected('createLoadBalancer');
  deleteLoadBalancer: Cloud['deleteLoadBalancer'] = () => notExpected('deleteLoadBalancer');
  changeLoadBalancer: Cloud['changeLoadBalancer'] = () => notExpected('changeLoadBalancer');
  createListeners: Cloud['createListeners'] = () => notExpected('createListeners');
  deleteListeners: Cloud['deleteListeners'] = () => notExpected('deleteListeners');
  createRules: Cloud['createRules'] = () => notExpected('createRules');
  changeSettings: Cloud['changeSettings'] = () => notExpected('changeSettings');
  redirect: Cloud['redirect'] = () => notExpected('redirect');
  removeRedirects: Cloud['removeRedirects'] = () => notExpected('removeRedirects');
  deleteRules: Cloud['deleteRules'] = () => notExpected('deleteRules');
  registerTargets: Cloud['registerTargets'] = () => notExpected('registerTargets');
  deregisterTargets: Cloud['deregisterTargets'] = () => notExpected('deregisterTargets');
  modifyTags: Cloud['modifyTags'] = () => notExpected('modifyTags');

  #bindings(id: string): Binding[] {
    const bindings = this.#of(id).bindings();
    if (this.#weights.size === 0) return bindings;
    return bindings.map(binding => ({ ...binding, weight: this.#weights.get(bindingKey(binding)) ?? binding.weight }));
  }

  #health(id: string): TargetHealth[] {
    return this.#bindings(id).map(({ tag: _, ...target }) => ({ ...target, loadBalancerId: id, health: 'healthy' }));
  }

  #of(id: string): Balancer {
    const balancer = this.#balancers.get(id);
    if (!balancer) throw new Error(`there is no load balancer ${id}`);
    return balancer;
  }
}

function done<T>(value: T): CloudResult<T> {
  return { ok: true, value };
}

function notExpected(action: string): never {
  throw new Error(`${action}: everything that the coordinator wants is there already`);
}
