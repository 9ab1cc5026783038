import { allContainersExited } from '../../common/pod-ends.ts';
import { ContainerState, PodPhase, type PodRecord } from '../../common/pod-record.ts';

/** What was told of a Pod and stays true: whoever tells otherwise of this UID or container id is behind. */
export interface LastingFacts {
  readonly deletion: PodRecord['deletion'];
  /** Succeeded or Failed. */
  readonly terminalPhase: PodPhase | undefined;
  readonly exitedIds: ReadonlySet<string>;
}

/** More than the restarts of an upgrade; the oldest are forgotten. */
const EXITED_IDS_MAX = 64;

/** Undefined when the record tells of none. */
export function factsOf(record: PodRecord): LastingFacts | undefined {
  const { deletion, phase, containers } = record;
  const terminalPhase = isTerminal(record) ? phase : undefined;
  const exited = containers.filter(container => container.state === ContainerState.EXITED);
  const exitedIds = new Set(exited.map(container => container.containerId).filter(id => id !== ''));
  if (!deletion && terminalPhase === undefined && exitedIds.size === 0) return undefined;
  return { deletion, terminalPhase, exitedIds };
}

/**
 * The facts after the same agent has told of the Pod again. A container that it names and no longer calls exited has not:
 * an API status may have called it so before its start.
 */
export function renewedFacts(known: LastingFacts | undefined, record: PodRecord): LastingFacts | undefined {
  const told = factsOf(record);
  if (!known) return told;
  const named = new Set(record.containers.map(container => container.containerId));
  const replaced = [...known.exitedIds].filter(id => !named.has(id));
  return {
    deletion: known.deletion ?? told?.deletion,
    terminalPhase: known.terminalPhase ?? told?.terminalPhase,
    exitedIds: new Set([...replaced, ...(told?.exitedIds ?? [])].slice(-EXITED_IDS_MAX)),
  };
}

/** The record as it is in the light of the facts; the same object when they add nothing. */
export function withFacts(record: PodRecord, facts: LastingFacts | undefined): PodRecord {
  if (!facts) return record;
  return withExits(withEnd(withDeletion(record, facts), facts), facts);
}

/** A Pod in phase Succeeded or Failed owns no address, whatever its status still says. */
export function isTerminal(record: PodRecord): boolean {
  return record.phase === PodPhase.SUCCEEDED || record.phase === PodPhase.FAILED;
}

function withDeletion(record: PodRecord, { deletion }: LastingFacts): PodRecord {
  return record.deletion || !deletion ? record : { ...record, deletion };
}

function withEnd(record: PodRecord, { terminalPhase }: LastingFacts): PodRecord {
  if (terminalPhase === undefined || isTerminal(record)) return record;
  return { ...record, phase: terminalPhase, addresses: [], ready: false };
}

function withExits(record: PodRecord, { exitedIds }: LastingFacts): PodRecord {
  const isBehind = ({ containerId, state }: PodRecord['containers'][number]) =>
    exitedIds.has(containerId) && state !== ContainerState.EXITED;
  if (!record.containers.some(isBehind)) return record;
  const containers = record.containers.map(container =>
    isBehind(container) ? { ...container, state: ContainerState.EXITED } : container,
  );
  return { ...record, ready: false, containers };
}

/** Nothing of it runs, so that its address may go to another Pod. */
export function hasEnded(record: PodRecord): boolean {
  return isTerminal(record) || allContainersExited(record);
}
