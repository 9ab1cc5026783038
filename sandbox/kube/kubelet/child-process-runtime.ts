import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Random, randomUuid } from '../../../common/random.ts';
import {
  type ContainerExit,
  type ContainerRuntime,
  type ContainerSpec,
  ContainerStartError,
  type RunningContainer,
} from './container-runtime.ts';
import { ContainerTable } from './container-table.ts';
import { withMountedPaths } from './mount-paths.ts';
import type { NodeDirectory } from './node-directory.ts';

const END_WITH_PARENT = fileURLToPath(new URL('../../images/end-with-parent.ts', import.meta.url));
/** Of a failed container's log, what its status quotes. */
const MESSAGE_CHARACTERS_MAX = 2_000;

/** A program that stands for an image, run by the same Node as ours. */
export interface ImageProgram {
  /** Its name inside the image, which `command` may repeat. */
  readonly name: string;
  readonly file: string;
}

export interface ChildProcessRuntimeOptions {
  readonly directory: NodeDirectory;
  /** For container ids. */
  readonly random: Random;
  /** Undefined for images that do not exist. */
  readonly programOf: (image: string) => ImageProgram | undefined;
  /** For every container; its own variables come over these. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Containers as child processes of this one, which end with it. */
export class ChildProcessRuntime implements ContainerRuntime, AsyncDisposable {
  /** What the node's runtime socket tells. */
  readonly table = new ContainerTable();
  readonly #options: ChildProcessRuntimeOptions;
  readonly #running = new Map<ChildProcess, Promise<ContainerExit>>();

  constructor(options: ChildProcessRuntimeOptions) {
    this.#options = options;
  }

  hasImage(image: string): boolean {
    return this.#options.programOf(image) !== undefined;
  }

  async start(spec: ContainerSpec): Promise<RunningContainer> {
    const { directory, random } = this.#options;
    const id = `${randomUuid(random)}${randomUuid(random)}`.replaceAll('-', '');
    const logFile = directory.logFile(`${spec.namespace}_${spec.podName}_${spec.containerName}`);
    const child = this.#spawn(spec, logFile);
    const exited = this.#observeExit(child, logFile);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', error =>
        reject(new ContainerStartError(`${spec.image}: ${error.message}`, { cause: error })),
      );
    });
    if (child.pid !== undefined) {
      directory.addProcess(child.pid, spec.podUid, id);
      this.table.started({ ...spec, id, processId: child.pid });
      void exited.then(() => this.table.exited(id));
    }
    return { containerId: `containerd://${id}`, exited, signal: name => void child.kill(`SIG${name}`) };
  }

  removePod(podUid: string): void {
    this.table.removePod(podUid);
  }

  /** Ends every container at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running.keys()) child.kill('SIGKILL');
    await Promise.all(this.#running.values());
  }

  #spawn(spec: ContainerSpec, logFile: string): ChildProcess {
    const program = this.#options.programOf(spec.image);
    if (!program) throw new ContainerStartError(`the sandbox has no image ${spec.image}`);
    const [command, ...given] = spec.command;
    if (command !== undefined && command !== program.name) {
      throw new ContainerStartError(`${spec.image} holds the program ${program.name} only, not ${command}`);
    }
    const args = [...given, ...spec.args].map(text => withMountedPaths(text, spec.mounts));
    const log = openSync(logFile, 'a');
    try {
      // A process group of its own: Ctrl-C is for us, who then end the containers in order.
      return spawn(process.execPath, ['--import', END_WITH_PARENT, program.file, ...args], {
        env: this.#environmentOf(spec),
        stdio: ['ignore', log, log, 'ipc'],
        detached: true,
      });
    } finally {
      closeSync(log);
    }
  }

  #environmentOf(spec: ContainerSpec): Record<string, string> {
    const own = Object.entries(spec.environment).map(([name, value]) => [name, withMountedPaths(value, spec.mounts)]);
    return {
      PATH: `${this.#options.directory.programs}:${process.env.PATH ?? '/usr/bin:/bin'}`,
      POD_NAME: spec.podName,
      POD_NAMESPACE: spec.namespace,
      POD_UID: spec.podUid,
      POD_IP: spec.podIp,
      NODE_NAME: spec.nodeName,
      ...this.#options.environment,
      ...Object.fromEntries(own),
    };
  }

  #observeExit(child: ChildProcess, logFile: string): Promise<ContainerExit> {
    const { promise, resolve } = Promise.withResolvers<ContainerExit>();
    const end = (exitCode: number) => {
      this.#running.delete(child);
      endGroupOf(child);
      if (child.pid !== undefined) this.#options.directory.removeProcess(child.pid);
      resolve({ exitCode, ...(exitCode !== 0 && { message: tailOf(logFile) }) });
    };
    this.#running.set(child, promise);
    child.once('exit', (code, signal) => end(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    child.once('error', () => {
      if (child.pid === undefined) end(127);
    });
    return promise;
  }
}

function tailOf(logFile: string): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().slice(-MESSAGE_CHARACTERS_MAX);
  } catch {
    return '';
  }
}

/** With a container ends whatever it started. */
function endGroupOf({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has left nothing behind.
  }
}
