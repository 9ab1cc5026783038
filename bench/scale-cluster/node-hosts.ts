import { type ChildProcess, fork } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import type { FromHost, HostTask, ToHost } from './host-messages.ts';

const PROGRAM = join(import.meta.dirname, 'host-main.ts');
/** Processes that share the nodes out among them. */
const HOSTS = 4;

/** All nodes, in a few processes. */
export class NodeHosts {
  readonly #hosts: readonly ChildProcess[];
  /** Who waits for a container of the Pod to start. */
  readonly #awaited = new Map<string, () => void>();
  readonly #started = new Set<string>();
  #reporting = 0;

  constructor(task: Omit<HostTask, 'nodes'> & { readonly nodes: number; readonly logFile: string }) {
    const log = openSync(task.logFile, 'a');
    const numbers = Array.from({ length: task.nodes }, (_, index) => index + 1);
    this.#hosts = Array.from({ length: Math.min(HOSTS, task.nodes) }, (_, host) => {
      const ofHost = { ...task, nodes: numbers.filter(number => number % HOSTS === host % HOSTS) };
      const env = { ...process.env, HOST_TASK: JSON.stringify(ofHost) };
      // Sessions of their own: the kernel shares processors among sessions, and each of the control plane's programs has one.
      const child = fork(PROGRAM, [], { detached: true, env, stdio: ['ignore', log, log, 'ipc'] });
      child.on('message', (message: FromHost) => this.#hear(message));
      return child;
    });
  }

  /** Whether the agents of all nodes run. */
  get areReporting(): boolean {
    return this.#reporting === this.#hosts.length;
  }

  /** Tells every host; what concerns one node does nothing elsewhere. */
  tell(message: ToHost): void {
    for (const host of this.#hosts) host.send(message);
  }

  hasStarted(podUid: string): boolean {
    return this.#started.has(podUid);
  }

  /** Ends the Pod's containers; resolves when its kubelet has started them again. */
  crash(node: string, podUid: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited.set(podUid, resolve);
    this.tell({ type: 'crash', node, podUid });
    return promise;
  }

  #hear(message: FromHost): void {
    if (message.type === 'reporting') {
      this.#reporting += 1;
      return;
    }
    this.#started.add(message.podUid);
    this.#awaited.get(message.podUid)?.();
    this.#awaited.delete(message.podUid);
  }
}
