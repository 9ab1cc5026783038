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

/** Which writes were sent last, so that none of them takes every turn. */
export interface WriteTurns {
  readonly lastKind: TargetWrite['kind'] | undefined;
  /** Urgent ones since the last that was not. */
  readonly urgentInRow: number;
}

export const NO_TURNS: WriteTurns = { lastKind: undefined, urgentInRow: 0 };

export interface WriteLimits {
  readonly sizeMax: number;
  /** Waiting this long lifts an operation by one priority; who waited so long gets the next turn after another kind. */
  readonly agingMs: number;
  readonly now: number;
  readonly turns: WriteTurns;
}

/** So many urgent writes in a row let one go between that has aged. */
const URGENT_IN_ROW_MAX = 4;

/** CLB takes its time for each target: what leaves waits for no more others than this, in its own call or before it. */
const URGENT_COMPANY_MAX = 20;

/** The next write: of the kind whose turn it is, with all that fit, the most urgent first. */
export function chooseWrite(queue: readonly QueuedOperation[], limits: WriteLimits): TargetWrite | undefined {
  const kind = chooseKind(queue, limits);
  if (kind === undefined) return undefined;
  const ofKind = queue.filter(({ operation }) => writeKind(operation) === kind);
  const chosen: TargetOperation[] = [];
  for (const priority of PRIORITIES) {
    for (const queued of ofKind) if (rankedAs(queued) === priority) chosen.push(queued.operation);
  }
  const urgentCount = chosen.filter(isUrgent).length;
  const isUrgentWaiting = queue.some(({ operation }) => isUrgent(operation));
  const sizeMax = isUrgentWaiting ? Math.min(limits.sizeMax, urgentCount + URGENT_COMPANY_MAX) : limits.sizeMax;
  return { kind, operations: chosen.slice(0, Math.max(1, sizeMax)), urgent: urgentCount > 0 };
}

/** The turns after a write was sent. */
export function turnsAfter({ urgentInRow }: WriteTurns, write: TargetWrite): WriteTurns {
  return { lastKind: write.kind, urgentInRow: write.urgent ? urgentInRow + 1 : 0 };
}

/**
 * A Pod that leaves goes first, however long others waited. The rest go by priority, lifted by age, but no kind twice
 * in a row while another is overdue: a backlog of one kind, all of it old, would shut out what came later.
 */
function chooseKind(queue: readonly QueuedOperation[], limits: WriteLimits): TargetWrite['kind'] | undefined {
  const others = queue.filter(({ operation }) => !isUrgent(operation));
  const overdue = others.filter(queued => isOverdue(queued, limits));
  const isUrgentTurn = limits.turns.urgentInRow < URGENT_IN_ROW_MAX || overdue.length === 0;
  if (others.length < queue.length && isUrgentTurn) return 'weights';
  const first = mostUrgent(others, limits);
  if (first === undefined) return undefined;
  const kind = writeKind(first.operation);
  if (kind !== limits.turns.lastKind) return kind;
  const waiting = overdue.filter(({ operation }) => writeKind(operation) !== kind);
  const next = mostUrgent(waiting, limits);
  return next === undefined ? kind : writeKind(next.operation);
}

/** A held hook waits for its Pod to be deregistered: that is overdue from the start. */
function isOverdue({ operation, since }: QueuedOperation, { agingMs, now }: WriteLimits): boolean {
  const isAwaited = operation.kind === 'deregister' && operation.evidence === 'connections-ended';
  return isAwaited || now - since >= agingMs;
}

/** What comes first by its priority, lifted by its age. */
function mostUrgent(queue: readonly QueuedOperation[], { agingMs, now }: WriteLimits): QueuedOperation | undefined {
  let best: { queued: QueuedOperation; rank: number } | undefined;
  for (const queued of queue) {
    const rank = PRIORITIES.indexOf(rankedAs(queued)) - Math.floor((now - queued.since) / agingMs);
    if (!best || rank < best.rank) best = { queued, rank };
  }
  return best?.queued;
}

/** Registrations that wait for room cannot go before what makes it. */
function rankedAs({ operation, makesRoom }: QueuedOperation): Priority {
  return makesRoom && operation.kind === 'deregister' ? 'deregister-dead' : priorityOf(operation);
}

function isUrgent(operation: TargetOperation): boolean {
  if (operation.kind !== 'close') return false;
  return operation.evidence === 'deletion' || operation.evidence === 'exit' || operation.evidence === 'hook';
}

/** The call that carries the operation. */
export function writeKind({ kind }: Pick<TargetOperation, 'kind'>): TargetWrite['kind'] {
  switch (kind) {
    case 'close':
    case 'open':
      return 'weights';
    case 'register':
      return 'register';
    case 'adopt':
      return 'tags';
    case 'deregister':
      return 'deregister';
  }
}
