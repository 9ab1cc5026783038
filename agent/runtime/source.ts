/** What the node's container runtime knows, before the kubelet writes it into a Pod's status. */
export interface RuntimeSource {
  /**
   * Processes (in the agent's pid namespace) that live in the Pod's network namespace: the sandbox's own, or those of
   * its containers; empty when it has none left.
   */
  processIds(podUid: string): Promise<readonly number[]>;
  /**
   * False only when the runtime was asked and nothing of the Pod lives there, neither its sandbox nor a container: the
   * second half of absence (law L1). @throws Error when that cannot be told.
   */
  hasSandbox(podUid: string): Promise<boolean>;
  /**
   * Those of the containers that do not run on this node, by one look at all that do.
   * @throws Error when that cannot be told.
   */
  endedAmong(containers: readonly ContainerExit[]): Promise<readonly ContainerExit[]>;
  /**
   * The ids of the Pod's containers that run now, bare; asked anew each time. Empty where only /proc can be asked.
   * @throws RuntimeCallError where the runtime does not answer
   */
  runningContainers(podUid: string): Promise<readonly string[]>;
  /**
   * Exits of containers as they happen, each told once; exits that fell into a gap follow when the runtime can be asked
   * again. Sandboxes and `exec`s are told apart and left out. Ends when `signal` aborts.
   */
  exits(signal: AbortSignal): AsyncIterable<ContainerExit>;
}

export interface ContainerExit {
  readonly podUid: string;
  readonly containerName: string;
  /** Bare, without `containerd://`. */
  readonly containerId: string;
  /** It had happened while nobody listened. */
  readonly isLate?: boolean;
}
