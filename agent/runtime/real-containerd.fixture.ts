import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { Clock } from '../../common/clock.ts';
import {
  CreateContainerRequest,
  CreateContainerResponse,
  ExecSyncRequest,
  ExecSyncResponse,
  NamespaceMode,
  type PodSandboxConfig,
  RunPodSandboxRequest,
  RunPodSandboxResponse,
  StartContainerRequest,
  StartContainerResponse,
} from '../../proto/gen/cri/lifecycle.ts';
import { createNodeCgroups, nodeCgroup, removeNodeCgroups } from '../../test/cluster/cgroups.ts';
import { runCommand } from '../../test/cluster/command.ts';
import type { ClusterSettings } from '../../test/cluster/settings.ts';
import { waitUntil } from '../../test/cluster/wait.ts';
import { writeArchive, writeLayout } from '../../tools/image/oci-layout.ts';
import { copyProgram } from '../../tools/image/root-folder.ts';

const START_TIMEOUT_MS = 20_000;
const IMAGE_NAME = 'library/sleep:latest';
const IMAGE = `docker.io/${IMAGE_NAME}`;
const NODE = 'node';
/** As for a Pod on the host's network; by default each container has a pid namespace of its own. */
const NAMESPACES = { network: NamespaceMode.NODE, pid: NamespaceMode.CONTAINER };
const UNSHARE = 'unshare';
const NAMESPACE_FLAGS = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const PROGRAMS = ['containerd', 'containerd-shim-runc-v2', 'runc', 'ctr', UNSHARE, 'tar', 'ldd', 'nsenter'];

/** Why no containerd can be started here, in one line; undefined when one can. */
export function whyNoContainerd(): string | undefined {
  if (process.platform !== 'linux') return 'containerd needs Linux';
  if (process.getuid?.() !== 0) return 'containerd needs root';
  const missing = PROGRAMS.filter(program => pathOf(program) === undefined);
  return missing.length === 0 ? undefined : `missing: ${missing.join(', ')}; on Debian: apt-get install containerd`;
}

function pathOf(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin', '/usr/bin', '/sbin', '/bin');
  return folders.map(folder => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

interface Pod {
  readonly uid: string;
  readonly sandboxId: string;
  readonly config: PodSandboxConfig;
}

/**
 * A containerd of its own, with its shims in mount and pid namespaces of their own: all of it ends with the namespaces'
 * first process. Makes Pods as the kubelet does, on the host's network.
 */
export class RealContainerd implements AsyncDisposable {
  readonly socketPath: string;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #settings: ClusterSettings;
  readonly #first: ChildProcess;
  readonly #client: Client;

  static async start(clock: Clock): Promise<RealContainerd> {
    const folder = await mkdtemp(join(tmpdir(), 'clb-direct-containerd-'));
    const containerd = new RealContainerd(folder, clock);
    try {
      await containerd.#untilAnswering();
      await containerd.#importImage();
    } catch (error) {
      const log = readFileSync(join(folder, 'containerd.log'), 'utf8').slice(-2_000);
      await containerd[Symbol.asyncDispose]();
      throw new Error(`containerd did not start: ${error}\n${log}`, { cause: error });
    }
    return containerd;
  }

  private constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
    this.#settings = { name: basename(folder), nodeCount: 1, workFolder: folder, cacheFolder: folder };
    for (const name of ['run/containerd', 'root', 'sleep']) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'containerd.toml'), configuration(folder));
    createNodeCgroups(this.#settings, NODE);
    this.#first = spawn(UNSHARE, [...NAMESPACE_FLAGS, 'sh', '-c', FIRST_PROCESS], {
      env: { ...process.env, FOLDER: folder },
      stdio: 'ignore',
    });
    this.socketPath = join(folder, 'run/containerd/containerd.sock');
    this.#client = new Client(`unix:${this.socketPath}`, credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 200,
    });
  }

  async runPod(uid: string): Promise<Pod> {
    const labels = {
      'io.kubernetes.pod.uid': uid,
      'io.kubernetes.pod.name': 'web',
      'io.kubernetes.pod.namespace': 'default',
    };
    const config: PodSandboxConfig = {
      metadata: { name: 'web', uid, namespace: 'default', attempt: 0 },
      labels,
      linux: {
        cgroupParent: `/${nodeCgroup(this.#settings, NODE)}/kubepods/pod${uid}`,
        securityContext: { namespaceOptions: NAMESPACES },
      },
    };
    const { podSandboxId: sandboxId } = await this.#ask('RunPodSandbox', RunPodSandboxRequest, RunPodSandboxResponse, {
      config,
    });
    return { uid, sandboxId, config };
  }

  /** Resolves with the id of the running container. */
  async runContainer(pod: Pod, name: string, attempt: number, command = ['/bin/sleep', 'infinity']): Promise<string> {
    const labels = { ...pod.config.labels, 'io.kubernetes.container.name': name };
    const linux = { securityContext: { namespaceOptions: NAMESPACES } };
    const config = { metadata: { name, attempt }, image: { image: IMAGE }, command, labels, linux };
    const request = { podSandboxId: pod.sandboxId, config, sandboxConfig: pod.config };
    const { containerId } = await this.#ask(
      'CreateContainer',
      CreateContainerRequest,
      CreateContainerResponse,
      request,
    );
    await this.#ask('StartContainer', StartContainerRequest, StartContainerResponse, { containerId });
    return containerId;
  }

  async exec(containerId: string, cmd: string[]): Promise<number> {
    const request = { containerId, cmd, timeout: 10 };
    return (await this.#ask('ExecSync', ExecSyncRequest, ExecSyncResponse, request)).exitCode;
  }

  /** In this process's pid namespace: the process of a container or, by its sandbox's id, of a Pod's pause. */
  processIdOf(id: string): number {
    const found = readdirSync('/proc').find(name => /^\d+$/.test(name) && cgroupOf(name).includes(id));
    if (found === undefined) throw new Error(`no process has ${id} in its cgroup`);
    return Number(found);
  }

  /** SIGKILL; resolves when another one answers in its place. Containers live on. */
  async restart(): Promise<void> {
    const pidFile = join(this.#folder, 'run/containerd.pid');
    const before = readFileSync(pidFile, 'utf8');
    await runCommand([
      'nsenter',
      '--target',
      String(this.#firstInside()),
      '--pid',
      '--mount',
      'kill',
      '-9',
      before.trim(),
    ]);
    await waitUntil(
      this.#clock,
      'containerd to be started again',
      START_TIMEOUT_MS,
      () => readFileSync(pidFile, 'utf8') !== before,
    );
    await this.#untilAnswering();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    const ended = new Promise(resolve => this.#first.once('exit', resolve));
    if (this.#first.exitCode === null && this.#first.kill('SIGKILL')) await ended;
    await waitUntil(this.#clock, 'containers to end', START_TIMEOUT_MS, () => removeNodeCgroups(this.#settings, NODE));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #firstInside(): number {
    const { pid } = this.#first;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  }

  async #untilAnswering(): Promise<void> {
    await waitUntil(this.#clock, 'containerd', START_TIMEOUT_MS, async () => {
      await this.#ask('Version', EMPTY, EMPTY, undefined);
      return true;
    });
  }

  /** A root folder with nothing but `sleep` and `true`: whatever the machine has. */
  async #importImage(): Promise<void> {
    const [rootFolder, layout] = [join(this.#folder, 'sleep'), join(this.#folder, 'layout')];
    for (const program of ['sleep', 'true']) await copyProgram(rootFolder, pathOf(program) ?? '', `/bin/${program}`);
    await writeLayout(layout, [{ name: IMAGE_NAME, rootFolder, entrypoint: ['/bin/sleep', 'infinity'] }]);
    const archive = join(this.#folder, 'sleep.tar');
    await writeArchive(layout, archive);
    await runCommand(['ctr', '--address', this.socketPath, '--namespace', 'k8s.io', 'images', 'import', archive]);
  }

  #ask<Request, Response>(
    method: string,
    request: { encode(message: Request): { finish(): Uint8Array } },
    response: { decode(bytes: Uint8Array): Response },
    message: Request,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/runtime.v1.RuntimeService/${method}`,
        (value: Request) => Buffer.from(request.encode(value).finish()),
        (bytes: Buffer) => response.decode(bytes),
        message,
        new Metadata(),
        (error, value) => (error ? reject(error) : resolve(value as Response)),
      );
    });
  }
}

const EMPTY = { encode: () => ({ finish: () => new Uint8Array() }), decode: () => undefined };

function cgroupOf(processId: string): string {
  try {
    return readFileSync(join('/proc', processId, 'cgroup'), 'latin1');
  } catch {
    return '';
  }
}

/** Whatever is mounted here is seen by nobody else; ending this ends every process beneath it. */
const FIRST_PROCESS = `
mount --bind "$FOLDER/run" /run || exit 1
while :; do
  containerd --config "$FOLDER/containerd.toml" >>"$FOLDER/containerd.log" 2>&1 &
  echo $! >/run/containerd.pid
  wait $!
  sleep 0.2
done`;

/** Root without CAP_SYS_RESOURCE may not lower oom scores; Pods are on the host's network and need no plugins. */
function configuration(folder: string): string {
  return `version = 2
root = "${folder}/root"
state = "/run/containerd"
oom_score = 0

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGE}"
  disable_apparmor = true
  disable_tcp_service = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`;
}
