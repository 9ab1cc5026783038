import type { Clock } from '../../common/clock.ts';
import { sleep } from '../../common/clock.ts';
import type {
  Binding,
  Cloud,
  CloudError,
  CloudResult,
  Listener,
  LoadBalancer,
  Quota,
  TargetHealth,
} from '../cloud/types.ts';
import { bindingKey } from '../core/binding-key.ts';

/** A write as the cloud saw it. */
export interface SeenWrite {
  readonly kind:
    | 'weights'
    | 'register'
    | 'deregister'
    | 'tags'
    | 'createListeners'
    | 'deleteListeners'
    | 'createRules'
    | 'deleteRules';
  readonly keys: readonly string[];
  readonly startedAt: number;
}

export type Answer = 'done' | CloudError;

/** A cloud for tests of lanes and of what stands around them: takes its time, answers as told, and remembers what was asked. */
export class FakeCloud implements Cloud {
  readonly writes: SeenWrite[] = [];
  readonly reads: number[] = [];
  readonly bindings = new Map<string, Binding>();
  listeners: Listener[] = [];
  health: TargetHealth['health'] = 'healthy';
  quota: Quota = { listenersPerLoadBalancer: 50, forwardingRulesPerListener: 50, targetsPerRule: 200 };
  writeMs = 200;
  readMs = 20;
  /** Answers for the next writes; when empty, they are done. */
  readonly answers: Answer[] = [];
  balancers: LoadBalancer[] = [];
  readonly balancerWrites: string[] = [];
  /** What every call about whole load balancers answers with; undefined: they work. */
  balancerError: CloudError | undefined;
  inFlight = 0;
  inFlightMax = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  describeLoadBalancers: Cloud['describeLoadBalancers'] = async ({ ids, tags }) => {
    const matches = (found: LoadBalancer) =>
      ids?.includes(found.id) ?? Object.entries(tags ?? {}).every(([key, value]) => found.tags[key] === value);
    return this.#answer(() => this.balancers.filter(matches));
  };
  createLoadBalancer: Cloud['createLoadBalancer'] = async ({ name, vpcId, tags, clientToken }) => {
    this.balancerWrites.push(`create with token ${clientToken}`);
    const id = `lb-${this.balancers.length + 1}`;
    return this.#answer(() => {
      this.balancers.push(loadBalancer({ id, name, vpcId, tags, running: false }));
      return id;
    });
  };
  deleteLoadBalancer: Cloud['deleteLoadBalancer'] = async id => {
    this.balancerWrites.push(`delete ${id}`);
    return this.#answer(() => {
      this.balancers = this.balancers.filter(found => found.id !== id);
    });
  };
  describeListeners: Cloud['describeListeners'] = (_, signal) => this.#read(() => [...this.listeners], signal);
  describeTargets: Cloud['describeTargets'] = (_, listenerIds, signal) =>
    this.#read(() => [...this.bindings.values()].filter(binding => listenerIds.includes(binding.listenerId)), signal);
  describeTargetHealth: Cloud['describeTargetHealth'] = ([loadBalancerId = ''], signal) =>
    this.#read(
      () => [...this.bindings.values()].map(binding => ({ ...binding, loadBalancerId, health: this.health })),
      signal,
    );
  describeQuota: Cloud['describeQuota'] = signal => this.#read(() => this.quota, signal);
  createRules: Cloud['createRules'] = (_, listenerId, rules) =>
    this.#write(
      'createRules',
      rules.map(({ domain, url }) => `${domain}${url}`),
      () => {
        const made = rules.map(({ domain, url }) => ({ locationId: `loc-${domain}${url}`, domain, url }));
        this.listeners = this.listeners.map(listener =>
          listener.id === listenerId
            ? { ...listener, forwardingRules: [...listener.forwardingRules, ...made] }
            : listener,
        );
        return made.map(rule => rule.locationId);
      },
    );
  deleteRules: Cloud['deleteRules'] = (_, listenerId, ids) =>
    this.#write('deleteRules', ids, () => {
      this.listeners = this.listeners.map(listener =>
        listener.id === listenerId
          ? { ...listener, forwardingRules: listener.forwardingRules.filter(rule => !ids.includes(rule.locationId)) }
          : listener,
      );
    });
  modifyTags: Cloud['modifyTags'] = (_, targets) =>
    this.#write('tags', targets.map(bindingKey), () => {
      for (const target of targets) {
        const bound = this.bindings.get(bindingKey(target));
        if (bound) this.bindings.set(bindingKey(target), { ...bound, tag: target.tag });
      }
    });
  registerTargets: Cloud['registerTargets'] = (_, targets) =>
    this.#write('register', targets.map(bindingKey), () => {
      for (const target of targets) this.bindings.set(bindingKey(target), target);
      return { failedListenerIds: [], message: '' };
    });
  deregisterTargets: Cloud['deregisterTargets'] = (_, targets) =>
    this.#write('deregister', targets.map(bindingKey), () => {
      for (const target of targets) this.bindings.delete(bindingKey(target));
      return { failedListenerIds: [], message: '' };
    });
  modifyWeights: Cloud['modifyWeights'] = (_, targets) =>
    this.#write('weights', targets.map(bindingKey), () => {
      for (const target of targets) {
        const bound = this.bindings.get(bindingKey(target));
        if (bound) this.bindings.set(bindingKey(target), { ...bound, weight: target.weight });
      }
    });
  createListeners: Cloud['createListeners'] = (_, request) =>
    this.#write('createListeners', request.ports.map(String), () => {
      const made = request.ports.map(port => ({
        id: `lbl-${port}`,
        name: request.name,
        protocol: request.protocol,
        port,
        healthCheck: true,
        forwardingRules: [],
      }));
      this.listeners.push(...made);
      return made.map(listener => listener.id);
    });
  deleteListeners: Cloud['deleteListeners'] = (_, ids) =>
    this.#write('deleteListeners', ids, () => {
      this.listeners = this.listeners.filter(listener => !ids.includes(listener.id));
    });

  /** Rejects when `signal` aborts, as the real one does. */
  #answer<T>(apply: () => T): CloudResult<T> {
    return this.balancerError ? { ok: false, error: this.balancerError } : { ok: true, value: apply() };
  }

  async #read<T>(take: () => T, signal: AbortSignal): Promise<CloudResult<T>> {
    this.reads.push(this.#clock.now());
    const value = take();
    await sleep(this.#clock, this.readMs, signal);
    return { ok: true, value };
  }

  async #write<T>(kind: SeenWrite['kind'], keys: readonly string[], apply: () => T): Promise<CloudResult<T>> {
    this.writes.push({ kind, keys, startedAt: this.#clock.now() });
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    await sleep(this.#clock, this.writeMs, new AbortController().signal);
    this.inFlight -= 1;
    const answer = this.answers.shift() ?? 'done';
    return answer === 'done' ? { ok: true, value: apply() } : { ok: false, error: answer };
  }
}

export function loadBalancer(fields: Partial<LoadBalancer>): LoadBalancer {
  return {
    id: 'lb-1',
    name: 'test',
    internal: false,
    running: true,
    virtualAddresses: ['1.2.3.4'],
    domain: '',
    vpcId: 'vpc-1',
    tags: {},
    deleteProtected: false,
    ...fields,
  };
}

export function cloudError(fields: Partial<CloudError>): CloudError {
  return {
    class: 'retryable',
    blames: 'items',
    code: 'CD2000',
    cloudCode: '',
    action: 'Test',
    message: 'failed in a test',
    requestId: '',
    hint: '',
    outcomeUnknown: false,
    notFound: false,
    ...fields,
  };
}
