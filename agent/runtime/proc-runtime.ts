import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/**
 * What /proc tells of the node's Pods, by the cgroup of each process. It sees no exits: `exits` yields nothing, and
 * the Pods' own statuses tell of them.
 */
export function procRuntime(options: ProcRuntimeOptions): RuntimeSource {
  const scanner = new ProcScanner(options);
  return {
    processIds: async podUid => (await scanner.scan()).get(podUid) ?? [],
    hasSandbox: async podUid => (await scanner.scan()).has(podUid),
    exits: signal => noExits(signal),
  };
}

/** Ends when `signal` aborts. */
function noExits(signal: AbortSignal): AsyncIterable<ContainerExit> {
  const end = new Promise<IteratorResult<ContainerExit>>(resolve => {
    const finish = () => resolve({ done: true, value: undefined });
    if (signal.aborted) finish();
    signal.addEventListener('abort', finish, { once: true });
  });
  return { [Symbol.asyncIterator]: () => ({ next: () => end }) };
}

class ProcScanner {
  readonly #options: ProcRuntimeOptions;
  #latest: { readonly at: number; readonly result: Promise<Map<string, number[]>> } | undefined;

  constructor(options: ProcRuntimeOptions) {
    this.#options = options;
  }

  /** Process ids by Pod UID, at most SCAN_FRESH_MS old. @throws Error when the folder cannot be read. */
  scan(): Promise<Map<string, number[]>> {
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

async function scanProcesses(procRoot: string): Promise<Map<string, number[]>> {
  const names = (await readdir(procRoot)).filter(name => /^\d+$/.test(name));
  const found = new Map<string, number[]>();
  for (let start = 0; start < names.length; start += READS_AT_ONCE) {
    const uids = await Promise.all(names.slice(start, start + READS_AT_ONCE).map(name => readPodUid(procRoot, name)));
    uids.forEach((uid, index) => {
      if (uid) found.set(uid, [...(found.get(uid) ?? []), Number(names[start + index])]);
    });
  }
  return found;
}

async function readPodUid(procRoot: string, name: string): Promise<string | undefined> {
  try {
    return podUidOfCgroup(await readFile(join(procRoot, name, 'cgroup'), 'latin1'));
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
