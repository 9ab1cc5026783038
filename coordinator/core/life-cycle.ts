import type { RuleTarget } from './rule-state.ts';

export const LIFE_CYCLE_STATES = [
  'Absent',
  'Registering',
  'Standby',
  'Opening',
  'Serving',
  'Draining',
  'Deregistering',
] as const;
export type LifeCycleState = (typeof LIFE_CYCLE_STATES)[number];

/** Where a target stands (design section 4, target life cycle), and what has to happen before it goes on. */
export interface LifeCycle {
  readonly state: LifeCycleState;
  /** Empty when nothing is awaited. */
  readonly waitingFor: string;
}

/** Read off what is bound, wanted and under way: nothing is kept that a new leader would not know. */
export function lifeCycleOf({ bound, transaction, wanted }: RuleTarget): LifeCycle {
  if (transaction?.operation === 'deregister') return { state: 'Deregistering', waitingFor: 'CLB' };
  if (!bound) return transaction ? { state: 'Registering', waitingFor: 'CLB' } : { state: 'Absent', waitingFor: '' };
  if (transaction && transaction.operation !== 'adopt')
    return { state: transaction.weight > 0 ? 'Opening' : 'Draining', waitingFor: 'CLB' };
  const isLeaving = wanted?.disposition.kind !== 'serve' && wanted?.disposition.kind !== 'standby';
  if (bound.weight === 0) {
    return isLeaving
      ? { state: 'Draining', waitingFor: drainingWaitsFor(wanted) }
      : { state: 'Standby', waitingFor: standbyWaitsFor(wanted) };
  }
  if (bound.health === 'healthy' || bound.health === 'closed') return { state: 'Serving', waitingFor: '' };
  return { state: 'Opening', waitingFor: `its health check (${bound.health ?? 'not read yet'})` };
}

function drainingWaitsFor(wanted: RuleTarget['wanted']): string {
  const evidence = wanted?.disposition.kind === 'drain' ? wanted.disposition.evidence : undefined;
  if (evidence === 'unreachable') return 'its node to be reached again, or its Pod to go';
  if (evidence !== 'node') return 'its connections or its exit';
  return `the end of its node (${wanted?.pod.nodeSign?.kind}), or the sign to go away`;
}

function standbyWaitsFor({ disposition }: NonNullable<RuleTarget['wanted']>): string {
  if (disposition.kind !== 'serve') return 'the Pod to be ready';
  return disposition.weight === 0 ? 'a weight: the user gave it 0' : 'its turn, or for room on a full rule';
}
