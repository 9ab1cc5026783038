import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { ContainerTable } from '../../sandbox/kube/kubelet/container-table.ts';
import { serveRuntime } from '../../sandbox/kube/kubelet/grpc-runtime-server.ts';
import { RuntimeService } from '../../sandbox/kube/kubelet/runtime-service.ts';
import { containerIdOf, type PodName } from './pod-name.ts';

/** The containers of a node: real processes, one for each Pod, and the runtime's socket that tells of them. */
export class NodeContainers {
  readonly socketPath: string;
  readonly #clock: Clock;
  readonly #table = new ContainerTable();
  readonly #processes = new Map<string, ChildProcess>();

  private constructor(socketPath: string, clock: Clock) {
    this.socketPath = socketPath;
    this.#clock = clock;
  }

  /** Disposing of `parts` ends the socket and all processes. */
  static async open(folder: string, clock: Clock, parts: AsyncDisposableStack): Promise<NodeContainers> {
    const containers = new NodeContainers(join(folder, 'runtime.sock'), clock);
    parts.defer(() => containers.#endAll());
    parts.use(await serveRuntime(new RuntimeService(containers.#table), containers.socketPath));
    return containers;
  }

  start(pod: PodName): void {
    // It ends with its input, so that it does not outlive this process.
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    this.#processes.set(pod.uid, child);
    const id = containerIdOf(pod);
    const labels = { podUid: pod.uid, podName: pod.name, namespace: 'default', containerName: 'web' };
    this.#table.started({ id, ...labels, processId: child.pid ?? 0 });
    child.once('exit', () => this.#table.exited(id));
  }

  /** Kills the container's process. Returns when that was, by the clock. */
  kill({ uid }: PodName): number {
    const killedAt = this.#clock.now();
    this.#processes.get(uid)?.kill('SIGKILL');
    this.#processes.delete(uid);
    return killedAt;
  }

  /** The kubelet has the Pod's sandbox removed. */
  remove(pod: PodName): void {
    this.kill(pod);
    this.#table.removePod(pod.uid);
  }

  #endAll(): void {
    for (const child of this.#processes.values()) child.kill('SIGKILL');
  }
}
