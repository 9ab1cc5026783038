import type { Clock } from '../../common/clock.ts';
import { sleep } from '../../common/clock.ts';
import type { SettingsChange } from '../cloud/settings.ts';
import type {
  BatchOutcome,
  Binding,
  BindingKey,
  Cloud,
  CloudError,
  CloudResult,
  Listener,
  LoadBalancer,
  LoadBalancerQuery,
  Quota,
  TagChange,
  TargetHealth,
  WeightChange,
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
    | 'changeSettings'
    | 'redirect'
    | 'removeRedirects'
    | 'deleteRules';
  readonly keys: readonly string[];
  readonly startedAt: number;
}

export type Answer = 'done' | CloudError;

/** A read of a load balancer as the cloud saw it. */
export interface SeenRead {
  readonly action: 'listeners' | 'targets' | 'health' | 'quota';
  readonly startedAt: number;
  /** The listeners or load balancers that were asked for. */
  readonly ids: readonly string[];
}

/** A cloud for tests of lanes and of what stands around them: takes its time, answers as told, and remembers what was asked. */
export class FakeCloud implements Cloud {
  readonly writes: SeenWrite[] = [];
  readonly reads: SeenRead[] = [];
  readonly bindings = new Map<string, Binding>();
  listeners: Listener[] = [];
  health: TargetHealth['health'] = 'healthy';
  quota: Quota = { listenersPerLoadBalancer: 50, forwardingRulesPerListener: 50, targetsPerRule: 200 };
  writeMs = 200;
  /** On top of it, for each target of a batch. */
  perTargetMs = 0;
  readMs = 20;
  /** Answers for the next writes; when empty, they are done. */
  readonly answers: Answer[] = [];
  /** Batches with one of these addresses are refused whole. */
  readonly refusedAddresses = new Set<string>();
  /** Batches that change or remove what is not bound are refused whole. */
  refusesUnbound = false;
  refusal: CloudError = cloudError({ class: 'terminal', code: 'CD2020' });
  /** Batches that would bind more on a listener are refused whole, as over the quota. */
  targetsPerListenerMax = Number.POSITIVE_INFINITY;
  /** Batches are done but for these listeners. */
  readonly failingListenerIds = new Set<string>();
  /** So many of the next batches succeed and change nothing. */
  silentBatches = 0;
  /** So many of the next reads of targets tell of the time before the last write. */
  staleReads = 0;
  /** What lists of listeners show while they tell of an earlier time; undefined: what is there. */
  earlierListeners: readonly Listener[] | undefined;
  #before: readonly Binding[] = [];
  balancers: LoadBalancer[] = [];
  readonly balancerWrites: string[] = [];
  /** What each ClientToken has made, for ever. */
  readonly tokens = new Map<string, string>();
  /** How long a load balancer that was made does not show in reads. */
  hiddenMs = 0;
  /** Questions about whole load balancers. */
  readonly balancerReads: LoadBalancerQuery[] = [];
  /** What every call about whole load balancers answers with; undefined: they work. */
  balancerError: CloudError | undefined;
  inFlight = 0;
  inFlightMax = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  describeLoadBalancers: Cloud['describeLoadBalancers'] = async query => {
    this.balancerReads.push(query);
    const { ids, tags } = query;
    const matches = (found: LoadBalancer) =>
      ids?.includes(found.id) ?? Object.entries(tags ?? {}).every(([key, value]) => found.tags[key] === value);
    return this.#answer(() => this.balancers.filter(matches));
  };
  createLoadBalancer: Cloud['createLoadBalancer'] = async ({ name, vpcId, subnetId, tags, clientToken }) => {
    this.balancerWrites.push(`create with token ${clientToken}`);
    return this.#answer(() => {
      const known = this.tokens.get(clientToken);
      if (known) return known;
      const id = `lb-made-${this.tokens.size + 1}`;
      this.tokens.set(clientToken, id);
      const made = loadBalancer({ id, name, vpcId, tags, internal: subnetId !== undefined, running: false });
      this.#clock.schedule(this.hiddenMs, () => this.balancers.push(made));
      return id;
    });
  };
  deleteLoadBalancer: Cloud['deleteLoadBalancer'] = async id => {
    this.balancerWrites.push(`delete ${id}`);
    return this.#answer(() => {
      this.balancers = this.balancers.filter(found => found.id !== id);
    });
  };
  changeLoadBalancer: Cloud['changeLoadBalancer'] = async (id, change) => {
    this.balancerWrites.push(`change ${change.kind} of ${id}`);
    return this.#answer(() => {
      const { name } = change.kind === 'attributes' ? change.settings : {};
      this.balancers = this.balancers.map(each => (each.id === id && name !== undefined ? { ...each, name } : each));
    });
  };
  describeListeners: Cloud['describeListeners'] = (id, signal) =>
    this.#read({ action: 'listeners', ids: [id] }, () => [...(this.earlierListeners ?? this.listeners)], signal);
  describeTargets: Cloud['describeTargets'] = (_, listenerIds, signal) =>
    this.#read(
      { action: 'targets', ids: listenerIds },
      () => this.#shownBindings().filter(binding => listenerIds.includes(binding.listenerId)),
      signal,
    );
  describeTargetHealth: Cloud['describeTargetHealth'] = (ids, signal) =>
    this.#read(
      { action: 'health', ids },
      () =>
        ids.flatMap(loadBalancerId =>
          [...this.bindings.values()].map(binding => ({ ...binding, loadBalancerId, health: this.health })),
        ),
      signal,
    );
  describeQuota: Cloud['describeQuota'] = signal => this.#read({ action: 'quota', ids: [] }, () => this.quota, signal);
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
  changeSettings: Cloud['changeSettings'] = (_, change) =>
    this.#write('changeSettings', [change.kind, change.listenerId], () => {
      this.listeners = this.listeners.map(listener => withSettings(listener, change));
    });
  redirect: Cloud['redirect'] = (_, { sourceListenerId }) =>
    this.#write('redirect', [sourceListenerId], () => undefined);
  removeRedirects: Cloud['removeRedirects'] = (_, { sourceListenerId }) =>
    this.#write('removeRedirects', [sourceListenerId], () => undefined);
  deleteRules: Cloud['deleteRules'] = (_, listenerId, ids) =>
    this.#write('deleteRules', ids, () => {
      this.listeners = this.listeners.map(listener =>
        listener.id === listenerId
          ? { ...listener, forwardingRules: listener.forwardingRules.filter(rule => !ids.includes(rule.locationId)) }
          : listener,
      );
    });
  modifyTags: Cloud['modifyTags'] = (_, targets) => this.#wholeBatch('tags', targets);
  modifyWeights: Cloud['modifyWeights'] = (_, targets) => this.#wholeBatch('weights', targets);
  registerTargets: Cloud['registerTargets'] = (_, targets) =>
    this.#batch('register', targets, target => this.bindings.set(bindingKey(target), target));
  deregisterTargets: Cloud['deregisterTargets'] = (_, targets) =>
    this.#batch('deregister', targets, target => this.bindings.delete(bindingKey(target)));
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

  async #read<T>(read: Omit<SeenRead, 'startedAt'>, take: () => T, signal: AbortSignal): Promise<CloudResult<T>> {
    this.reads.push({ ...read, startedAt: this.#clock.now() });
    const value = take();
    await sleep(this.#clock, this.readMs, signal);
    return { ok: true, value };
  }

  #shownBindings(): readonly Binding[] {
    if (this.staleReads === 0) return [...this.bindings.values()];
    this.staleReads -= 1;
    return this.#before;
  }

  /** Weights or tags of what is bound. */
  async #wholeBatch(
    kind: 'weights' | 'tags',
    targets: readonly (WeightChange | TagChange)[],
  ): Promise<CloudResult<void>> {
    const result = await this.#batch(kind, targets, target => {
      const bound = this.bindings.get(bindingKey(target));
      if (bound) this.bindings.set(bindingKey(target), { ...bound, ...target });
    });
    return result.ok ? { ok: true, value: undefined } : result;
  }

  #batch<T extends BindingKey>(
    kind: 'register' | 'deregister' | 'weights' | 'tags',
    targets: readonly T[],
    change: (target: T) => void,
  ): Promise<CloudResult<BatchOutcome>> {
    const refusal = this.#refusalOf(kind, targets);
    if (refusal) this.answers.unshift(refusal);
    const failedListenerIds = [...this.failingListenerIds].filter(id => targets.some(one => one.listenerId === id));
    return this.#write(kind, targets.map(bindingKey), () => {
      this.#before = [...this.bindings.values()];
      if (this.silentBatches > 0) this.silentBatches -= 1;
      else for (const target of targets) if (!failedListenerIds.includes(target.listenerId)) change(target);
      return { failedListenerIds, message: '' };
    });
  }

  #refusalOf(kind: SeenWrite['kind'], targets: readonly BindingKey[]): CloudError | undefined {
    const isUnbound = (target: BindingKey) => kind !== 'register' && !this.bindings.has(bindingKey(target));
    if (this.refusesUnbound && targets.some(isUnbound)) return this.refusal;
    if (targets.some(({ address }) => this.refusedAddresses.has(address))) return this.refusal;
    const isFull =
      kind === 'register' &&
      targets.some(({ listenerId }) => this.#wouldBeAt(listenerId, targets) > this.targetsPerListenerMax);
    return isFull ? cloudError({ class: 'terminal', code: 'CD2014', cloudCode: 'LimitExceeded' }) : undefined;
  }

  #wouldBeAt(listenerId: string, added: readonly BindingKey[]): number {
    const keys = [...this.bindings.values(), ...added].filter(one => one.listenerId === listenerId).map(bindingKey);
    return new Set(keys).size;
  }

  async #write<T>(kind: SeenWrite['kind'], keys: readonly string[], apply: () => T): Promise<CloudResult<T>> {
    this.writes.push({ kind, keys, startedAt: this.#clock.now() });
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    await sleep(this.#clock, this.writeMs + this.perTargetMs * keys.length, new AbortController().signal);
    this.inFlight -= 1;
    const answer = this.answers.shift() ?? 'done';
    return answer === 'done' ? { ok: true, value: apply() } : { ok: false, error: answer };
  }
}

/** Of a listener alone. */
function withSettings(listener: Listener, change: SettingsChange): Listener {
  if (change.kind !== 'listener' || listener.id !== change.listenerId) return listener;
  return { ...listener, settings: { ...listener.settings, ...change.settings } };
}

export function loadBalancer(fields: Partial<LoadBalancer>): LoadBalancer {
  return {
    id: 'lb-1',
    name: 'test',
    internal: false,
    running: true,
    virtualAddresses: ['1.2.3.4'],
    addressFamily: 'IPv4',
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
