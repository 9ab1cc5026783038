/**
 * CLB as the lanes and load balancer code see it: typed, limited, deadlined, every outcome a value. A promise rejects
 * only with the reason of the caller's signal, and a write that was under way then may have been done.
 */
export interface Cloud {
  describeLoadBalancers(query: LoadBalancerQuery, signal: AbortSignal): Promise<CloudResult<LoadBalancer[]>>;
  createLoadBalancer(request: LoadBalancerRequest, signal: AbortSignal): Promise<CloudResult<string>>;
  deleteLoadBalancer(loadBalancerId: string, signal: AbortSignal): Promise<CloudResult<void>>;
  describeListeners(loadBalancerId: string, signal: AbortSignal): Promise<CloudResult<Listener[]>>;
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
  /** All bindings of the load balancer, or of the named listeners (pages of 20 ids inside). */
  describeTargets(
    loadBalancerId: string,
    listenerIds: readonly string[],
    signal: AbortSignal,
  ): Promise<CloudResult<Binding[]>>;
  describeTargetHealth(loadBalancerId: string, signal: AbortSignal): Promise<CloudResult<TargetHealth[]>>;
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
  ): Promise<CloudResult<void>>;
}

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
  readonly running: boolean;
  readonly virtualAddresses: readonly string[];
  /** Set for domain-type load balancers, which may have no address. */
  readonly domain: string;
  readonly vpcId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly deleteProtected: boolean;
}

export interface LoadBalancerRequest {
  readonly name: string;
  readonly vpcId: string;
  /** Set for an internal load balancer. */
  readonly subnetId?: string;
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
}

export interface ListenerRequest {
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly ports: readonly number[];
  readonly healthCheck?: HealthCheckSettings;
}

export interface HealthCheckSettings {
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

/** Identity of a binding in CLB. `locationId` is empty on layer 4. */
export interface BindingKey {
  readonly listenerId: string;
  readonly locationId: string;
  readonly address: string;
  readonly port: number;
}

export interface NewBinding extends BindingKey {
  /** 0 to 100. */
  readonly weight: number;
  readonly tag: string;
}

export interface WeightChange extends BindingKey {
  readonly weight: number;
}

/** A binding as CLB reports it. */
export interface Binding extends BindingKey {
  readonly weight: number;
  /** Empty when none was set. */
  readonly tag: string;
}

export interface TargetHealth extends BindingKey {
  readonly weight: number;
  /** `closed`: the check is switched off. */
  readonly health: 'healthy' | 'unhealthy' | 'unknown' | 'closed';
}

export interface BatchOutcome {
  readonly failedListenerIds: readonly string[];
  readonly message: string;
}
