import type { CreationSettings, LoadBalancerChange, LoadBalancerSettings } from './load-balancer-settings.ts';
import type { ForwardingSettings, ListenerSettings, Redirects, SettingsChange } from './settings.ts';

export type { HealthCheckSettings } from './settings.ts';

/**
 * CLB as the lanes and load balancer code see it: typed, limited, deadlined, every outcome a value. A promise rejects
 * only with the reason of the caller's signal, and a write that was under way then may have been done.
 */
export interface Cloud {
  describeLoadBalancers(query: LoadBalancerQuery, signal: AbortSignal): Promise<CloudResult<LoadBalancer[]>>;
  createLoadBalancer(request: LoadBalancerRequest, signal: AbortSignal): Promise<CloudResult<string>>;
  deleteLoadBalancer(loadBalancerId: string, signal: AbortSignal): Promise<CloudResult<void>>;
  /** Resolves when its task has ended. */
  changeLoadBalancer(
    loadBalancerId: string,
    change: LoadBalancerChange,
    signal: AbortSignal,
  ): Promise<CloudResult<void>>;
  describeListeners(
    loadBalancerId: string,
    signal: AbortSignal,
    priority?: CallPriority,
  ): Promise<CloudResult<Listener[]>>;
  /** Resolves when the task has ended; ids in the order of `ports`. */
  createListeners(
    loadBalancerId: string,
    request: ListenerRequest,
    signal: AbortSignal,
  ): Promise<CloudResult<string[]>>;
  deleteListeners(
    loadBalancerId: string,
    listenerIds: readonly string[],
    signal: AbortSignal,
  ): Promise<CloudResult<void>>;
  /** All bindings of the load balancer, or of the named listeners: in pages of 20 ids, some at once, in their order. */
  describeTargets(
    loadBalancerId: string,
    listenerIds: readonly string[],
    signal: AbortSignal,
    priority?: CallPriority,
  ): Promise<CloudResult<Binding[]>>;
  /** Of at most 30 load balancers. One that does not exist (any more) is left out. */
  describeTargetHealth(
    loadBalancerIds: readonly string[],
    signal: AbortSignal,
    priority?: CallPriority,
  ): Promise<CloudResult<TargetHealth[]>>;
  /**
   * Layer 7; resolves when the last task has ended, with the ids in the order of `rules`. 49 of them go in one request, and
   * a further request only within the time of a write (law L7): beyond it the outcome is unknown.
   */
  createRules(
    loadBalancerId: string,
    listenerId: string,
    rules: readonly ForwardingRuleRequest[],
    signal: AbortSignal,
  ): Promise<CloudResult<string[]>>;
  deleteRules(
    loadBalancerId: string,
    listenerId: string,
    locationIds: readonly string[],
    signal: AbortSignal,
  ): Promise<CloudResult<void>>;
  /** Changes a listener, a forwarding rule or a domain in place; resolves when the task has ended. */
  changeSettings(loadBalancerId: string, change: SettingsChange, signal: AbortSignal): Promise<CloudResult<void>>;
  /** Layer 7: requests keep their path. Resolves when the task has ended. */
  redirect(loadBalancerId: string, redirects: Redirects, signal: AbortSignal): Promise<CloudResult<void>>;
  removeRedirects(loadBalancerId: string, redirects: Redirects, signal: AbortSignal): Promise<CloudResult<void>>;
  /** The account's defaults; a raise granted to one load balancer does not show here (clb-api section 3). */
  describeQuota(signal: AbortSignal): Promise<CloudResult<Quota>>;
  /** At most 500 in one call. The ids of listeners of which nothing may be assumed come back in `failedListenerIds`. */
  registerTargets(
    loadBalancerId: string,
    targets: readonly NewBinding[],
    signal: AbortSignal,
  ): Promise<CloudResult<BatchOutcome>>;
  deregisterTargets(
    loadBalancerId: string,
    targets: readonly BindingKey[],
    signal: AbortSignal,
  ): Promise<CloudResult<BatchOutcome>>;
  /** At most 500 targets in one call (grouped into entries of 50 inside); resolves when the task has ended. */
  modifyWeights(
    loadBalancerId: string,
    targets: readonly WeightChange[],
    signal: AbortSignal,
    priority?: CallPriority,
  ): Promise<CloudResult<void>>;
  /** At most 500 in one call; gives adopted bindings our mark. */
  modifyTags(loadBalancerId: string, targets: readonly TagChange[], signal: AbortSignal): Promise<CloudResult<void>>;
}

/**
 * Which calls of one action pass the rate limit first; `normal` when none is given. `urgent`: a Pod leaves and waits for
 * it; `background`: nobody waits for it. The tasks of an urgent write are asked for urgently, too.
 */
export type CallPriority = 'urgent' | 'normal' | 'background';

export type CloudResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: CloudError };

/**
 * An operating error of the cloud.
 * `retryable`: try again with backoff; `throttled`: over the rate, wait for the limiter; `busy`: the load balancer works
 * on another task, try again soon; `terminal`: the same call will fail again until something else changes.
 */
export interface CloudError {
  readonly class: 'retryable' | 'throttled' | 'busy' | 'terminal';
  /**
   * What the cause lies in. `items`: in something the request names (a target, listener, rule, port), as far as the answer
   * tells, so a part of a batch may be taken: if `terminal`, halve it; if `retryable`, halve it when repeating does not
   * help. `load-balancer`: no part of the batch will be taken there now. `account`: nor anywhere else (key, permission,
   * balance, rate, network).
   */
  readonly blames: 'items' | 'load-balancer' | 'account';
  /** Ours, stable, documented in docs/errors.md: CD2xxx. */
  readonly code: string;
  /** CLB's own, for example `InvalidParameter.LBIdNotFound`; empty when there was no answer. */
  readonly cloudCode: string;
  readonly action: string;
  /** The same for the same cause: what differs from call to call is in `requestId`. */
  readonly message: string;
  /** CLB's id of the call, for a ticket; empty when there was no answer. */
  readonly requestId: string;
  /** What a person can do about it. */
  readonly hint: string;
  /** True when the write may have been done all the same (law L8): read before anything else. */
  readonly outcomeUnknown: boolean;
  /** True when the thing that was to be changed does not exist (any more). */
  readonly notFound: boolean;
}

export interface LoadBalancerQuery {
  readonly ids?: readonly string[];
  /** All tags must match. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface LoadBalancer {
  readonly id: string;
  readonly name: string;
  readonly internal: boolean;
  readonly running: boolean;
  readonly virtualAddresses: readonly string[];
  /** Of the targets that it takes: an IPv6 load balancer without translation takes IPv6 addresses alone. */
  readonly addressFamily: 'IPv4' | 'IPv6';
  /** Set for domain-type load balancers, which may have no address. */
  readonly domain: string;
  readonly vpcId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly deleteProtected: boolean;
  /** As far as CLB tells. */
  readonly settings?: LoadBalancerSettings;
}

export interface LoadBalancerRequest {
  readonly name: string;
  readonly vpcId: string;
  /** Set for an internal load balancer. */
  readonly subnetId?: string;
  readonly settings?: CreationSettings;
  readonly tags: Readonly<Record<string, string>>;
  /** At most 64 ASCII characters; the same token never makes a second load balancer. */
  readonly clientToken: string;
}

export interface Listener {
  readonly id: string;
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly healthCheck: boolean;
  /** As far as CLB tells. */
  readonly settings?: ListenerSettings;
  /** Layer 4: CLB cuts connections within so many seconds after one of its triggers, such as weight 0, and moves them. */
  readonly rescheduleSeconds?: number;
  /** Empty on layer 4. */
  readonly forwardingRules: readonly ForwardingRule[];
}

/** One host and path of a listener on layer 7. */
export interface ForwardingRule {
  readonly locationId: string;
  readonly domain: string;
  readonly url: string;
  /** As far as CLB tells. */
  readonly settings?: ForwardingSettings;
  /** The rule of another listener that its requests are redirected to. */
  readonly redirectsTo?: RedirectTarget;
}

export interface RedirectTarget {
  readonly listenerId: string;
  readonly locationId: string;
  /** The status of the answer, if CLB tells. */
  readonly code?: number;
}

export interface ForwardingRuleRequest {
  /** At most 80 characters; may be a wildcard. */
  readonly domain: string;
  /** At most 200 characters. */
  readonly url: string;
  readonly settings?: ForwardingSettings;
}

export interface Quota {
  readonly listenersPerLoadBalancer: number;
  readonly forwardingRulesPerListener: number;
  /** Of one listener on layer 4, or one forwarding rule on layer 7. */
  readonly targetsPerRule: number;
}

export interface ListenerRequest {
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP' | 'TCP_SSL' | 'HTTP' | 'HTTPS';
  readonly ports: readonly number[];
  /** Of all of them. HTTPS without a certificate is made so that each domain brings its own (SNI). */
  readonly settings?: ListenerSettings;
}

/** Identity of a binding in CLB. `locationId` is empty on layer 4. */
export interface BindingKey {
  readonly listenerId: string;
  readonly locationId: string;
  /** The Pod's address; of an instance its primary one. */
  readonly address: string;
  readonly port: number;
  /** Set when the target is bound as a whole instance (a hostNetwork Pod's node) instead of by its ENI address. */
  readonly instanceId?: string;
}

export interface NewBinding extends BindingKey {
  /** 0 to 100. */
  readonly weight: number;
  readonly tag: string;
}

export interface WeightChange extends BindingKey {
  readonly weight: number;
}

export interface TagChange extends BindingKey {
  readonly tag: string;
}

/** A binding as CLB reports it. */
export interface Binding extends BindingKey {
  readonly weight: number;
  /** Empty when none was set. */
  readonly tag: string;
}

export interface TargetHealth extends BindingKey {
  readonly loadBalancerId: string;
  readonly weight: number;
  /** `closed`: the check is switched off. */
  readonly health: 'healthy' | 'unhealthy' | 'unknown' | 'closed';
}

export interface BatchOutcome {
  readonly failedListenerIds: readonly string[];
  readonly message: string;
}
