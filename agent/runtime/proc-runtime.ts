import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aborted } from '../../common/aborted.ts';
import type { Clock } from '../../common/clock.ts';
import type { ContainerExit, RuntimeSource } from './source.ts';

export interface ProcRuntimeOptions {
  /** The host's /proc, of a pid namespace that holds the Pods' processes. */
  readonly procRoot: string;
  readonly clock: Clock;
}

/** How long one look at all processes serves every question: it costs one small read per process of the node. */
const SCAN_FRESH_MS = 1_000;
const READS_AT_ONCE = 64;

/** What can be told without the runtime. */
export interface ProcRuntime extends RuntimeSource {
  /** Whether a process of this container is left. @throws Error when that cannot be told. */
  hasProcess(containerId: string): Promise<boolean>;
}

/**
 * What /proc tells of the node's Pods, by the cgroup of each process. It sees no exits: `exits` yields nothing, and
 * the Pods' own statuses tell of them.
 */
export function procRuntime(options: ProcRuntimeOptions): ProcRuntime {
  const scanner = new ProcScanner(options);
  return {
    processIds: async podUid =>
      (await scanner.scan()).filter(process => process.podUid === podUid).map(({ processId }) => processId),
    hasSandbox: async podUid => scanOfPods(await scanner.scan(), options).some(process => process.podUid === podUid),
    hasProcess: async containerId =>
      scanOfPods(await scanner.scan(), options).some(({ cgroup }) => cgroup.includes(containerId)),
    endedAmong: async containers => {
      const processes = scanOfPods(await scanner.scan(), options);
      // The cgroup of a Pod in a virtual machine names no container, that of a static Pod another UID.
      const runs = ({ podUid, containerId }: ContainerExit) =>
        processes.some(process => process.podUid === podUid || process.cgroup.includes(containerId));
      return containers.filter(container => !runs(container));
    },
    runningContainers: async () => [],
    exits: noExits,
  };
}

/** That a process is not there counts only where processes of Pods are seen at all. */
function scanOfPods(processes: readonly PodProcess[], { procRoot }: ProcRuntimeOptions): readonly PodProcess[] {
  if (processes.length > 0) return processes;
  throw new Error(`${procRoot} shows no process of any Pod: is it the host's? Mount that and name it with --proc-root`);
}

/** Ends when `signal` aborts. */
function noExits(signal: AbortSignal): AsyncIterable<ContainerExit> {
  const next = () => aborted(signal).then(() => ({ done: true as const, value: undefined }));
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

interface PodProcess {
  readonly processId: number;
  readonly podUid: string;
  /** Names the container, too. */
  readonly cgroup: string;
}

class ProcScanner {
  readonly #options: ProcRuntimeOptions;
  #latest: { readonly at: number; readonly result: Promise<readonly PodProcess[]> } | undefined;

  constructor(options: ProcRuntimeOptions) {
    this.#options = options;
  }

  /** Processes of Pods, at most SCAN_FRESH_MS old. @throws Error when the folder cannot be read. */
  scan(): Promise<readonly PodProcess[]> {
    const now = this.#options.clock.now();
    if (!this.#latest || now - this.#latest.at >= SCAN_FRESH_MS) {
      const result = scanProcesses(this.#options.procRoot);
      this.#latest = { at: now, result };
      result.catch(() => {
        this.#latest = undefined;
      });
    }
    return this.#latest.result;
  }
}

async function scanProcesses(procRoot: string): Promise<readonly PodProcess[]> {
  const names = (await readdir(procRoot)).filter(name => /^\d+$/.test(name));
  const found: PodProcess[] = [];
  for (let start = 0; start < names.length; start += READS_AT_ONCE) {
    const some = await Promise.all(names.slice(start, start + READS_AT_ONCE).map(name => readProcess(procRoot, name)));
    found.push(...some.filter(process => process !== undefined));
  }
  return found;
}

/** Undefined for a process of no Pod. */
async function readProcess(procRoot: string, name: string): Promise<PodProcess | undefined> {
  try {
    const cgroup = await readFile(join(procRoot, name, 'cgroup'), 'latin1');
    const podUid = podUidOfCgroup(cgroup);
    return podUid === undefined ? undefined : { processId: Number(name), podUid, cgroup };
  } catch {
    // The process has ended since the folder was listed.
    return undefined;
  }
}

/** The Pod's UID in a cgroup path as the kubelet writes it: `pod<uid>`, or with underscores under systemd. */
export function podUidOfCgroup(cgroup: string): string | undefined {
  const match = /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})/.exec(cgroup);
  return match?.[1]?.replaceAll('_', '-');
}
