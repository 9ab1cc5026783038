/**
 * How a kubelet runs containers. Carriers: child processes (child-process-runtime.ts) and models in virtual time
 * (modelled-runtime.ts).
 */
export interface ContainerRuntime {
  /** Whether `start` can run the image; other images end in ImagePullBackOff. */
  hasImage(image: string): boolean;
  /** Resolves when the container runs. @throws ContainerStartError */
  start(spec: ContainerSpec, signal: AbortSignal): Promise<RunningContainer>;
  /** The Pod's containers that run already: a kubelet before this one has started them. */
  left?(podUid: string): readonly LeftContainer[];
  /** The Pod's containers have ended for good. */
  removePod?(podUid: string): void;
}

export interface ContainerSpec {
  readonly nodeName: string;
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
  readonly containerName: string;
  readonly image: string;
  readonly command: readonly string[];
  /** Variables are expanded, mount paths are not translated yet. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The node's own address for Pods on the host's network. */
  readonly podIp: string;
  readonly mounts: readonly Mount[];
}

export interface Mount {
  readonly mountPath: string;
  /** Where the volume is on the machine. */
  readonly directory: string;
}

export interface RunningContainer {
  readonly containerId: string;
  /** Never rejects. */
  readonly exited: Promise<ContainerExit>;
  /** Does nothing after the exit. */
  signal(name: ContainerSignal): void;
}

export interface LeftContainer {
  readonly spec: Pick<ContainerSpec, 'containerName' | 'podIp'>;
  readonly container: RunningContainer;
}

export type ContainerSignal = 'TERM' | 'KILL';

export interface ContainerExit {
  /** 128 + the signal's number where a signal ended it. */
  readonly exitCode: number;
  /** What the container last said, where it failed. */
  readonly message?: string;
}

export class ContainerStartError extends Error {
  override readonly name = 'ContainerStartError';
}
