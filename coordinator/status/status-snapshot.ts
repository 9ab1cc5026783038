/** What the status page shows: plain values, taken at one moment. Times are milliseconds since the Unix epoch. */
export interface StatusSnapshot {
  readonly takenAtMs: number;
  /** Name of this replica. */
  readonly coordinator: string;
  readonly leading: boolean;
  /** Holder of the lease; empty when nobody is known to lead. */
  readonly leader: string;
  readonly term: number;
  readonly loadBalancers: readonly LoadBalancerStatus[];
  /** Of a replica that only observes: what it would change in CLB now. */
  readonly intended: readonly IntendedStatus[] | undefined;
  readonly agents: readonly AgentStatus[];
  readonly agentlessNodes: readonly AgentlessNode[];
  /** What this replica may not read, and what follows. */
  readonly missingRights: readonly string[];
  /** So many agents fell silent together that no node is taken for lost. */
  readonly isLossHeld: boolean;
  /** Newest first. */
  readonly recentDrains: readonly DrainStatus[];
}

export interface IntendedStatus {
  /** Empty for one that is to be made. */
  readonly loadBalancer: string;
  readonly change: string;
}

export interface LoadBalancerStatus {
  readonly id: string;
  readonly vip: string;
  /** For example `80/TCP`. */
  readonly listeners: readonly string[];
  readonly targets: readonly TargetStatus[];
}

export interface TargetStatus {
  /** Namespace and name. */
  readonly pod: string;
  readonly listener: string;
  /** Address and port. */
  readonly address: string;
  /** A state of the target life cycle: `Serving`, `Draining` … */
  readonly state: string;
  /** When it came into this state. */
  readonly sinceMs: number;
  /** What has to happen before it goes on; empty when nothing is awaited. */
  readonly waitingFor: string;
}

export interface AgentStatus {
  readonly node: string;
  /** Name of the agent's Pod. */
  readonly pod: string;
  /** Undefined until its first snapshot. */
  readonly podCount: number | undefined;
  /** None of the node's agents sees its Pods. */
  readonly isBlind: boolean;
  readonly connectedSinceMs: number;
  readonly lastHeardMs: number;
  /** What announces the end of the node. */
  readonly signs: readonly string[];
}

/** A node of which no agent reports. */
export interface AgentlessNode {
  readonly node: string;
  readonly sinceMs: number;
  /** This replica watches its Pods itself. */
  readonly isWatched: boolean;
  /** Nobody reaches it. */
  readonly isLost: boolean;
}

export interface DrainStatus {
  readonly pod: string;
  readonly requestedMs: number;
  /** Undefined: has not come to pass. */
  readonly weightZeroMs: number | undefined;
  readonly connectionsEndedMs: number | undefined;
  readonly deregisteredMs: number | undefined;
  /** When the hook was answered. */
  readonly answeredMs: number | undefined;
}
