/** How long the cloud takes. Durations of writes run from the call's arrival to the moment a read shows the change. */
export interface LatencyModel {
  /** A read, or a refusal: half before and half after the state is looked at. */
  readonly readMs: number;
  /** An asynchronous write answers after this; its task goes on. */
  readonly acceptMs: number;
  /** A batch of n targets takes `batchBaseMs + n * batchPerTargetMs`. */
  readonly batchBaseMs: number;
  readonly batchPerTargetMs: number;
  /** The same for the older calls for one listener or rule (RegisterTargets and its kin); without them, as a batch. */
  readonly singleBaseMs?: number;
  readonly singlePerTargetMs?: number;
  readonly listenerBaseMs: number;
  readonly listenerPerItemMs: number;
  readonly ruleBaseMs: number;
  readonly rulePerItemMs: number;
  readonly createLoadBalancerMs: number;
  readonly deleteLoadBalancerMs: number;
  /** After a write of n targets the load balancer stays busy for up to `busyTailMaxMs * n / 500`, drawn evenly. */
  readonly busyTailMaxMs: number;
}

/** What the account may have. */
export interface Quota {
  readonly openLoadBalancers: number;
  readonly internalLoadBalancers: number;
  readonly listenersPerLoadBalancer: number;
  readonly rulesPerListener: number;
  /** Of a listener of layer 4, or a rule; one load balancer may have another limit, which DescribeQuota never tells. */
  readonly targetsPerListener: number;
  readonly requestsPerSecond: number;
}

/** Where the published material leaves more than one behaviour open, the reader chooses. */
export interface Manners {
  /** Registering an (ip, port) that is bound already: success that changes nothing, success that updates, or an error. */
  readonly registerExisting: 'keep' | 'update' | 'error';
  /** Deregistering or reweighting a target that is not bound. */
  readonly missingTarget: 'ignore' | 'error';
  /** A listener id that does not exist in a batch: only its targets fail, or the whole call. */
  readonly unknownListener: 'fail-set' | 'fail-call';
  /** Whether CreateLoadBalancer answers with ids, or leaves them to DescribeTaskStatus. */
  readonly createAnswersIds: 'always' | 'never' | 'sometimes';
  /** What new load balancers show: an address, a domain in its place, or both. Traffic goes to the address in any case. */
  readonly loadBalancerAddress: 'vip' | 'domain' | 'vip-and-domain';
  /** DeleteRule takes the default domain and names no new one, and others stay: an error, or the oldest becomes it. */
  readonly defaultDomainRemoval: 'error' | 'pass-on';
  /** Whether DescribeTargets returns the `Tag` of a binding. */
  readonly tagsReturned: boolean;
  /** The longest `Tag` of a binding; no limit is published. */
  readonly tagLengthMax: number;
  /** Whether a client with a session still reaches a target of weight 0. */
  readonly sessionsIgnoreWeightZero: boolean;
}

/** The data plane lags behind the API: each forwarder applies a change after its own delay, drawn for each change. */
export interface ForwardingSettings {
  readonly forwarders: number;
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
}

export interface ClbSettings {
  /** The addresses that load balancers get, in this order. */
  readonly vips: readonly string[];
  /** When set, load balancers of any other VPC are refused. */
  readonly vpcId?: string;
  /** The instances that targets can be bound by, each with its private address. */
  readonly instances: Readonly<Record<string, string>>;
  readonly latency: LatencyModel;
  readonly quota: Quota;
  readonly manners: Manners;
  readonly forwarding: ForwardingSettings;
}

/** The published figures where there are some, and the less friendly choice where there are none. */
export function defaultSettings(vips: readonly string[]): ClbSettings {
  return {
    vips,
    instances: {},
    latency: {
      readMs: 40,
      acceptMs: 60,
      batchBaseMs: 200,
      batchPerTargetMs: 9.35,
      listenerBaseMs: 400,
      listenerPerItemMs: 50,
      ruleBaseMs: 400,
      rulePerItemMs: 50,
      createLoadBalancerMs: 10_000,
      deleteLoadBalancerMs: 3_000,
      busyTailMaxMs: 2_000,
    },
    quota: {
      openLoadBalancers: 100,
      internalLoadBalancers: 100,
      listenersPerLoadBalancer: 50,
      rulesPerListener: 50,
      targetsPerListener: 200,
      requestsPerSecond: 20,
    },
    manners: {
      registerExisting: 'keep',
      missingTarget: 'ignore',
      unknownListener: 'fail-set',
      createAnswersIds: 'sometimes',
      loadBalancerAddress: 'vip',
      defaultDomainRemoval: 'error',
      tagsReturned: true,
      tagLengthMax: 255,
      sessionsIgnoreWeightZero: true,
    },
    forwarding: { forwarders: 2, delayMinMs: 0, delayMaxMs: 2_000 },
  };
}

const HOSTS_PER_PREFIX = 254;

/** `127.100.0` gives 127.100.0.1 to 127.100.0.254. */
export function vipsOfPrefix(prefix: string): readonly string[] {
  return Array.from({ length: HOSTS_PER_PREFIX }, (_, index) => `${prefix}.${index + 1}`);
}
