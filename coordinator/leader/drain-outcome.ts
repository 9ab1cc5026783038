import type { DrainAnswer } from '../../proto/gen/clbdirect/v1/report.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';

/** How a drain ended, by the agent's own words; `other` is one that a later agent brings. */
export type DrainReason = (typeof DRAIN_REASONS)[number] | 'other';

interface Meaning {
  /** Of a Pod that was let go early: what was given up. Undefined when nothing was. */
  readonly cause: string | undefined;
  readonly nextStep: string;
  /** New connections were watched for until they had stopped, so that the last one tells how fast the cloud was. */
  readonly isSettled: boolean;
}

const COMPLETE: Meaning = { cause: undefined, nextStep: '', isSettled: true };

const MEANINGS = {
  drained: COMPLETE,
  restart: COMPLETE,
  // What is left of connections is idle: nothing is in flight that could be lost.
  'idle-connections': COMPLETE,
  'containers-exited': { ...COMPLETE, isSettled: false },
  'connections-left': {
    cause: 'connections outlived its budget',
    nextStep:
      'The target stays at weight 0 until the containers exit. If clients lost connections, raise clb-direct.io/drain-seconds or let the application end them on SIGTERM',
    isSettled: true,
  },
  'deregistered-with-connections': {
    cause: 'new connections kept coming after weight 0, and the target was deregistered with them',
    nextStep: 'Look for session stickiness on the listener that ignores weight 0',
    isSettled: false,
  },
  'connections-unreadable': {
    cause: 'its connections could not be read',
    nextStep: "Check that the agent has the host's /proc: clb-direct agent --check on the node says what it cannot see",
    isSettled: false,
  },
  'not-deregistered': {
    cause: 'deregistering its target was not confirmed in time',
    nextStep: "It is deregistered when the containers exit. Look at the coordinator's cloud errors",
    isSettled: true,
  },
  'not-settled': {
    cause: 'its budget ended before the load balancer had stopped sending',
    nextStep: 'Raise clb-direct.io/drain-seconds or terminationGracePeriodSeconds',
    isSettled: false,
  },
  'no-weight-zero': {
    cause: 'its budget ended before weight 0 was read back',
    nextStep: "Look at the load balancer's queue on the status page, and at the coordinator's cloud errors",
    isSettled: false,
  },
  'no-coordinator': {
    cause: 'the agent was connected to no coordinator',
    nextStep: 'Check that a coordinator runs and that the node reaches it',
    isSettled: false,
  },
  'no-leader': {
    cause: 'no coordinator took the request',
    nextStep: "Look at the coordinators' logs for who leads",
    isSettled: false,
  },
  observing: {
    cause: 'the coordinators only observe (--mode=observe), so that nobody takes it off its load balancer',
    nextStep: 'Where deletions are to cost nothing, wait with them until coordinator.mode is active again',
    isSettled: false,
  },
  paused: {
    cause: 'its Service or Ingress is paused (clb-direct.io/paused), so that nobody takes it off its load balancer',
    nextStep: 'Where deletions are to cost nothing, wait with them until the annotation is gone',
    isSettled: false,
  },
  'unknown-pod': {
    cause: 'the agent did not know the Pod',
    nextStep: "Check that the agent's watch of Pods works: clb-direct agent --check on the node",
    isSettled: false,
  },
  'too-many-calls': {
    cause: 'the agent held too many hooks at once',
    nextStep: 'Delete fewer Pods of one node at a time',
    isSettled: false,
  },
} as const satisfies Readonly<Record<string, Meaning>>;

export const DRAIN_REASONS = Object.keys(MEANINGS) as readonly (keyof typeof MEANINGS)[];

/** For metrics: of a bounded set. */
export function drainReason({ reason }: Pick<DrainAnswer, 'reason'>): DrainReason {
  return DRAIN_REASONS.find(known => known === reason) ?? 'other';
}

/** Whether the answer tells how long the load balancer went on sending. */
export function showsSettling(answer: Pick<DrainAnswer, 'reason'>): boolean {
  const reason = drainReason(answer);
  return reason !== 'other' && MEANINGS[reason].isSettled;
}

/** What the Pod's Event says; undefined when nothing was given up. */
export function cutShort(pod: { namespace: string; name: string }, answer: DrainAnswer): Problem | undefined {
  const reason = drainReason(answer);
  const meaning: Meaning = reason === 'other' ? unknown(answer.reason) : MEANINGS[reason];
  if (meaning.cause === undefined) return undefined;
  const left = answer.connectionsLeft > 0 ? ` with ${answer.connectionsLeft} connections left` : '';
  const seconds = (answer.heldMs / 1_000).toFixed(1);
  return problem(
    'CD3004',
    `Pod ${pod.namespace}/${pod.name}: its preStop hook was answered after ${seconds} s${left}, because ${meaning.cause}. ${meaning.nextStep}.`,
  );
}

function unknown(reason: string): Meaning {
  const printable = reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
  const nextStep = 'The agent is of another version than the coordinator; its metrics page tells what it means';
  return { cause: `of "${printable}"`, nextStep, isSettled: false };
}
