import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from '../../../sandbox/cluster/start-sandbox.ts';

/** Ids of the processes in a Pod's containers now, as its node shows them; no others are ever signalled. */
function podProcesses({ folder, plan }: Sandbox, podUid: string): number[] {
  return plan.nodes.flatMap(({ name }) => {
    const proc = join(folder, name, 'proc');
    const ids = readdirSync(proc).filter(entry => /^\d+$/.test(entry));
    return ids.filter(id => cgroupOf(join(proc, id)).includes(`/pod${podUid}/`)).map(Number);
  });
}

function cgroupOf(folder: string): string {
  try {
    return readFileSync(join(folder, 'cgroup'), 'utf8');
  } catch {
    // It has ended since the folder was listed.
    return '';
  }
}

/** @throws Error when the Pod has no process that could be signalled. */
export function signalPod(sandbox: Sandbox, podUid: string, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  const ids = podProcesses(sandbox, podUid);
  if (ids.length === 0) throw new Error(`Pod ${podUid} has no process for ${signal}`);
  for (const id of ids) process.kill(id, signal);
}
