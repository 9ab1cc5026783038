/** What the node's container runtime knows, before the kubelet writes it into a Pod's status. */
export interface RuntimeSource {
  /** Process ids (in the agent's pid namespace) of the Pod's running containers; empty when it has none left. */
  processIds(podUid: string): Promise<readonly number[]>;
  /** False only when the runtime was asked and has no sandbox of this Pod: the second half of absence (law L1). */
  hasSandbox(podUid: string): Promise<boolean>;
  /** Exits of serving containers, as they happen; no replay. */
  exits(signal: AbortSignal): AsyncIterable<ContainerExit>;
}

export interface ContainerExit {
  readonly podUid: string;
  readonly containerName: string;
  readonly containerId: string;
}
