import { PRIORITIES, type Priority, priorityOf, type TargetOperation } from './target-operation.ts';

/** One call to CLB. Closings and openings are both changes of weight and travel together. */
export interface TargetWrite {
  readonly kind: 'weights' | 'register' | 'deregister' | 'tags';
  readonly operations: readonly TargetOperation[];
  /** It takes weight from a Pod that has exited or drains: somebody waits for it. */
  readonly urgent: boolean;
}

/** An operation that may be sent now. */
export interface QueuedOperation {
  readonly operation: TargetOperation;
  /** When it was first wanted. */
  readonly since: number;
  /** Its rule waits for the room that it makes. */
  readonly makesRoom: boolean;
}

export interface WriteLimits {
  readonly sizeMax: number;
  /** Waiting this long lifts an operation by one priority. */
  readonly agingMs: number;
  readonly now: number;
}

/** The next write: of the kind that the most urgent operation needs, with all that fit, the most urgent first. */
export function chooseWrite(queue: readonly QueuedOperation[], limits: WriteLimits): TargetWrite | undefined {
  const first = mostUrgent(queue, limits);
  if (first === undefined) return undefined;
  const kind = writeKind(first);
  const chosen: TargetOperation[] = [];
  for (const priority of PRIORITIES) {
    if (writeKind(priority) !== kind) continue;
    for (const queued of queue) if (rankedAs(queued) === priority) chosen.push(queued.operation);
  }
  const operations = chosen.slice(0, Math.max(1, limits.sizeMax));
  return { kind, operations, urgent: operations.some(isUrgent) };
}

/** The priority whose oldest operation, lifted by its age, comes first. */
function mostUrgent(queue: readonly QueuedOperation[], { agingMs, now }: WriteLimits): Priority | undefined {
  let best: { priority: Priority; rank: number } | undefined;
  for (const queued of queue) {
    const priority = rankedAs(queued);
    const rank = PRIORITIES.indexOf(priority) - Math.floor((now - queued.since) / agingMs);
    if (!best || rank < best.rank) best = { priority, rank };
  }
  return best?.priority;
}

/** Registrations that wait for room cannot go before what makes it. */
function rankedAs({ operation, makesRoom }: QueuedOperation): Priority {
  return makesRoom && operation.kind === 'deregister' ? 'deregister-dead' : priorityOf(operation);
}

function isUrgent(operation: TargetOperation): boolean {
  if (operation.kind !== 'close') return false;
  return operation.evidence === 'deletion' || operation.evidence === 'exit' || operation.evidence === 'hook';
}

function writeKind(priority: Priority): TargetWrite['kind'] {
  switch (priority) {
    case 'close':
    case 'open':
      return 'weights';
    case 'register':
      return 'register';
    case 'adopt':
      return 'tags';
    case 'deregister-dead':
    case 'deregister-drained':
      return 'deregister';
  }
}
