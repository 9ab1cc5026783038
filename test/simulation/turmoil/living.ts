import type { Process } from '../process/process.ts';
import type { CoordinatorProcess, World } from '../world.ts';

/** The replicas that have not ended, and are not about to. */
export function coordinators({ coordinators }: World): readonly CoordinatorProcess[] {
  return coordinators.filter(({ stop }) => !stop.signal.aborted);
}

/** All agents that have not ended: two on a node during an upgrade. */
export function agents({ processes }: World): readonly Process[] {
  return processes.filter(({ name, stop }) => name.startsWith('agent-') && !stop.signal.aborted);
}
