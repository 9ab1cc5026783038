import type { Listener, LoadBalancer } from '../cloud/types.ts';
import { isAllowed, notAllowed } from './allowance.ts';
import type { LoadBalancerState, PreviousLoadBalancer } from './load-balancer-state.ts';
import { ownerName } from './owner.ts';
import { isMadeByTkeFor } from './ownership-tags.ts';
import { type Problem, problem } from './problem.ts';
import type { ServiceIntent } from './service-intent.ts';

/**
 * `wanted`: the Service's rules belong there. `kept`: it wants another one, but what it has here serves on until that one
 * has taken over. `retiring`: what it has here goes.
 */
export type PlacementRole = 'wanted' | 'kept' | 'retiring';

/** One load balancer that holds, or shall hold, something of a Service. */
export interface Placement {
  readonly loadBalancer: LoadBalancer;
  readonly role: PlacementRole;
  /** Listeners may be made or adopted there: the Service's record names it, and the Service may use it. */
  readonly mayMake: boolean;
  /** Why the Service may not use it; what it has there already is served on. */
  readonly denial: Problem | undefined;
}

/** Which existing load balancers a Service may use: any of the account, or those that a tag allows. */
export interface ExistingLoadBalancerPolicy {
  readonly existing: 'any' | 'tagged';
  /** As people write it in the tag. */
  readonly clusterName: string;
}

export interface PlacementFacts {
  readonly now: number;
  /**
   * Since when the wanted load balancer serves: a target of the Service is Serving there, or none of its Pods is ready.
   * Undefined while it does not.
   */
  readonly servingSince: number | undefined;
  /**
   * What of the Service is still on a load balancer (`ListenerPlan.remaining`); undefined unless it was read after the
   * last write there, and while one is under way.
   */
  readonly remaining: (loadBalancerId: string) => number | undefined;
  /** Listeners there, whoever made them. */
  readonly listeners: (loadBalancerId: string) => readonly Listener[];
  readonly policy: ExistingLoadBalancerPolicy;
}

export interface PlacementInput {
  readonly intent: ServiceIntent;
  readonly wanted: LoadBalancerState;
  readonly previous: readonly PreviousLoadBalancer[];
  readonly facts: PlacementFacts;
}

/** Where a Service stands, and what follows from it. */
export interface ServicePlacements {
  readonly placements: readonly Placement[];
  /** Every load balancer that may hold something of the Service is among the placements, or known to be gone. */
  readonly isComplete: boolean;
  /** To be written into the Service's record: nothing is made there before. */
  readonly toRecord: readonly string[];
  /** To be taken out of it: nothing is left there. */
  readonly toForget: readonly string[];
  /** Made by us, and nothing is left on them: to be deleted. */
  readonly toDelete: readonly string[];
  /** Whose address the Service's status shall tell; undefined: the status stays as it is. */
  readonly status: LoadBalancer | undefined;
  readonly problems: readonly Problem[];
  /** The Service leaves, and nothing of it is left anywhere: what we wrote on it goes. */
  readonly isReleased: boolean;
}

/** A load balancer that no longer is the wanted one goes on for so long when the new one does not come to serve. */
export const SWITCH_MS = 120_000;
/** And for so long after it does: clients learn the new address from names that they remember for a while. */
export const LINGER_MS = 60_000;

export function placementsOf(input: PlacementInput): ServicePlacements {
  const { intent, wanted, previous } = input;
  const current = intent.leaving ? undefined : wantedPlacement(input);
  const takenOver = current && hasTakenOver(input, current);
  const role = intent.leaving || (takenOver && !isLingering(input.facts)) ? 'retiring' : 'kept';
  const others = previous.map(each => previousPlacement(each, role, input));
  const isKept = !takenOver && others.some(({ placement }) => placement !== undefined);
  const placements = [current, ...others.map(({ placement }) => placement)].filter(found => found !== undefined);
  const problems = others.flatMap(other => other.problem ?? []);
  if (wanted.kind === 'failed') problems.push(wanted.problem);
  if (current?.denial) problems.push(current.denial);
  if (current?.mayMake && current.loadBalancer.internal) problems.push(loopback(intent, current.loadBalancer.id));
  return {
    placements,
    isComplete: isKnown(wanted) && previous.every(({ state }) => state.kind !== 'pending'),
    toRecord: current && !isRecorded(intent, current) ? [current.loadBalancer.id] : [],
    toForget: previous.filter((each, index) => isLeft(others[index]) && intent.recorded.includes(each.id)).map(idOf),
    toDelete: others.flatMap(other => (other.step === 'delete' ? other.id : [])),
    status: current?.mayMake && !isKept ? current.loadBalancer : undefined,
    problems,
    isReleased: intent.leaving && wanted.kind === 'released' && others.every(isLeft),
  };
}

function wantedPlacement({ intent, wanted, facts }: PlacementInput): Placement | undefined {
  if (wanted.kind !== 'ready') return undefined;
  const { loadBalancer } = wanted;
  const { policy } = facts;
  const { service } = intent;
  const isOthers = intent.loadBalancer.kind === 'existing' || isMadeByTkeFor(loadBalancer, service.uid);
  const needsTag = isOthers && policy.existing === 'tagged';
  const denial =
    needsTag && !isAllowed(loadBalancer, policy.clusterName, service.namespace)
      ? notAllowed(service, { what: 'it', loadBalancerId: loadBalancer.id, clusterName: policy.clusterName })
      : undefined;
  const mayMake = denial === undefined && intent.held && intent.recorded.includes(loadBalancer.id);
  return { loadBalancer, role: 'wanted', mayMake, denial };
}

function hasTakenOver({ wanted, facts }: PlacementInput, current: Placement): boolean {
  if (wanted.kind !== 'ready' || !current.mayMake) return false;
  return facts.servingSince !== undefined || facts.now - wanted.since >= SWITCH_MS;
}

function isLingering({ servingSince, now }: PlacementFacts): boolean {
  return servingSince !== undefined && now - servingSince < LINGER_MS;
}

interface PreviousStep {
  readonly id: string;
  readonly placement: Placement | undefined;
  /** `leave`: nothing of the Service is there any more. */
  readonly step: 'wait' | 'delete' | 'leave';
  readonly problem: Problem | undefined;
}

function previousPlacement(
  previous: PreviousLoadBalancer,
  role: PlacementRole,
  { intent, facts }: PlacementInput,
): PreviousStep {
  const { id, state } = previous;
  const nowhere = { id, placement: undefined, problem: undefined };
  switch (state.kind) {
    case 'pending':
    case 'deleting':
      return { ...nowhere, step: 'wait' };
    case 'gone':
      return { ...nowhere, step: 'leave' };
    case 'ready': {
      const { loadBalancer, refusal, mayBeDeleted } = state;
      const here = { id, placement: { loadBalancer, role, mayMake: false, denial: undefined }, problem: undefined };
      if (role !== 'retiring' || facts.remaining(id) !== 0) return { ...here, step: 'wait' };
      if (!previous.isOurs) return { ...here, step: 'leave', problem: leftBehind(intent, loadBalancer) };
      if (intent.retains) return { ...here, step: 'leave', problem: retained(intent, id) };
      const kept = whyKept(intent, previous, loadBalancer, facts.listeners(id));
      if (kept) return { ...here, step: 'wait', problem: kept };
      return { ...here, step: mayBeDeleted ? 'delete' : 'wait', problem: refusal };
    }
  }
}

/** CLB keeps the client's address, so that what answers from the client's own node never comes back through it. */
function loopback({ service }: ServiceIntent, id: string): Problem {
  return problem(
    'CD1026',
    `${ownerName(service)}: load balancer ${id} is internal. A client on the node of the Pod that CLB chooses for it gets no ` +
      'answer, or a late one. Let clients inside the cluster use the ClusterIP, or keep them off the nodes of these Pods by ' +
      'anti-affinity.',
  );
}

/** TKE's controller made it for the Service, which it is told to skip: nobody will delete it. */
function leftBehind(intent: ServiceIntent, loadBalancer: LoadBalancer): Problem | undefined {
  if (!intent.leaving || intent.handsBack || !isMadeByTkeFor(loadBalancer, intent.service.uid)) return undefined;
  return problem(
    'CD1028',
    `${ownerName(intent.service)}: its load balancer ${loadBalancer.id} was made by TKE's own controller, which skips the Service; nobody ` +
      'deletes it now. Delete it in the CLB console when nothing else uses it.',
  );
}

function retained({ service }: ServiceIntent, id: string): Problem {
  return problem(
    'CD1025',
    `${ownerName(service)}: its load balancer ${id} is kept, since the annotation for retaining it is "true". ` +
      'Delete it in the CLB console when nobody needs it any more.',
  );
}

/** Law L6: a load balancer goes only when nothing is left on it, since it would take what others made along. */
function whyKept(
  { service }: ServiceIntent,
  { isShared }: PreviousLoadBalancer,
  { id, deleteProtected }: LoadBalancer,
  [first]: readonly Listener[],
): Problem | undefined {
  const subject = `${ownerName(service)}: its load balancer ${id} is kept, because`;
  if (first) {
    return problem(
      'CD1007',
      `${subject} listener ${first.id} ("${first.name}") is still on it. Move or delete what uses it; the load balancer ` +
        'goes when it has no listener.',
    );
  }
  if (isShared) {
    return problem(
      'CD1007',
      `${subject} another Service or Ingress names it in an annotation. It goes when none does.`,
    );
  }
  if (!deleteProtected) return undefined;
  return problem(
    'CD1010',
    `${subject} its deletion protection is on. Switch it off in the CLB console if the load balancer may go.`,
  );
}

function isLeft(step: PreviousStep | undefined): boolean {
  return step?.step === 'leave';
}

function idOf({ id }: PreviousLoadBalancer): string {
  return id;
}

function isRecorded(intent: ServiceIntent, { loadBalancer }: Placement): boolean {
  return intent.recorded.includes(loadBalancer.id);
}

/** Whether it is known what the Service has at the load balancer that it wants. */
function isKnown(wanted: LoadBalancerState): boolean {
  return wanted.kind !== 'pending' && (wanted.kind !== 'failed' || wanted.absent);
}
