import { EXISTING_LOAD_BALANCER_ANNOTATION } from '../../common/names.ts';
import type { CloudError } from '../cloud/types.ts';
import { EXISTING_LOAD_BALANCER } from '../ingress/ingress-annotations.ts';
import { cloudProblem } from './cloud-problem.ts';
import type { Creation } from './creations.ts';
import type { Deletion } from './deletions.ts';
import type { Look, TaggedLook } from './load-balancer-inventory.ts';
import type { LoadBalancerState, PreviousLoadBalancer, PreviousState } from './load-balancer-state.ts';
import { ownerName } from './owner.ts';
import { fits, isMadeByTkeFor, isMadeFor } from './ownership-tags.ts';
import { type Problem, problem } from './problem.ts';
import type { CreatedChoice, ServiceIntent } from './service-intent.ts';
import { VISIBLE_WITHIN_MS } from './visible-within.ts';

export interface HoldingsInput {
  readonly intent: ServiceIntent;
  readonly cluster: string;
  readonly look: (id: string) => Look;
  readonly tagged: TaggedLook;
  readonly creation: Creation;
  /** Load balancers that were made for the Service and were seen. */
  readonly made: ReadonlySet<string>;
  readonly deletion: (id: string) => Deletion | undefined;
  /** Services other than this one have to do with it. */
  readonly isShared: (id: string) => boolean;
  /** What was worked out before. */
  readonly before: Holdings | undefined;
  readonly now: number;
}

/** Which load balancers a Service has and wants, as far as is known. */
export interface Holdings {
  readonly wanted: LoadBalancerState;
  readonly wantedId: string | undefined;
  readonly previous: readonly PreviousLoadBalancer[];
  /** One has to be made. */
  readonly mustCreate: boolean;
}

export function holdingsOf(facts: HoldingsInput): Holdings {
  const input = { ...facts, look: (id: string) => lookAt(id, facts) };
  const { intent } = input;
  const wanted = wantedOf(input);
  const { wantedId } = wanted;
  const choice = intent.loadBalancer;
  const ids = new Set(knownIds(input));
  // Served before there was a record.
  if (intent.leaving && choice.kind === 'existing') ids.add(choice.id);
  if (wantedId !== undefined) ids.delete(wantedId);
  return { ...wanted, previous: [...ids].map(id => previousOf(id, input)) };
}

function knownIds({ intent, tagged, creation, made }: HoldingsInput): string[] {
  const answered = creation.answered ? [creation.answered.id] : [];
  const { loadBalancer: choice } = intent;
  const inherited = choice.kind === 'created' && choice.inheritsId !== undefined ? [choice.inheritsId] : [];
  return [...new Set([...intent.recorded, ...tagged.ids, ...made, ...answered, ...inherited])];
}

/** What CLB said that it made may not show yet. */
function lookAt(id: string, { look, creation, now }: HoldingsInput): Look {
  const seen = look(id);
  const isNew = creation.answered?.id === id && now < creation.answered.at + VISIBLE_WITHIN_MS;
  return seen.kind === 'absent' && isNew ? { kind: 'unknown', error: undefined } : seen;
}

type Wanted = Pick<Holdings, 'wanted' | 'wantedId' | 'mustCreate'>;

function wantedOf(input: HoldingsInput): Wanted {
  const choice = input.intent.loadBalancer;
  if (input.intent.leaving) return { wanted: leavingState(input), wantedId: undefined, mustCreate: false };
  if (choice.kind === 'existing') return existing(input, choice.id);
  const { inheritsId } = choice;
  return inheritsId !== undefined && mayInherit(input, inheritsId)
    ? existing(input, inheritsId)
    : created(input, choice);
}

/** As far as is known it is there, and TKE's controller made it for the Service. */
function mayInherit({ intent, look }: HoldingsInput, id: string): boolean {
  const found = look(id);
  if (found.kind === 'found') return isMadeByTkeFor(found.loadBalancer, intent.service.uid);
  return found.kind === 'unknown';
}

/** What may have been made has to show first, or it would be left behind. */
function leavingState({ intent, tagged, creation, now }: HoldingsInput): LoadBalancerState {
  if (tagged.lookedAt === undefined) return lookPending(intent, tagged.error);
  const mayBeHidden = creation.unansweredAt !== undefined && tagged.ids.length === 0;
  if (!mayBeHidden) return { kind: 'released' };
  const isShown = tagged.lookedAt >= (creation.unansweredAt ?? now) + VISIBLE_WITHIN_MS;
  return isShown ? { kind: 'released' } : { kind: 'pending' };
}

function existing(input: HoldingsInput, id: string): Wanted {
  const look = input.look(id);
  const wanted = { wantedId: id, mustCreate: false };
  switch (look.kind) {
    case 'unknown':
      return { ...wanted, wanted: lookPending(input.intent, look.error) };
    case 'absent':
      return { ...wanted, wanted: { kind: 'failed', absent: true, problem: notFound(input.intent, id) } };
    case 'found':
      return { ...wanted, wanted: ready(input, look) };
  }
}

function created(input: HoldingsInput, choice: CreatedChoice): Wanted {
  const { intent, tagged, creation } = input;
  const answered = creation.answered?.id;
  const ids = knownIds(input);
  const candidates = ids.flatMap(id => {
    const look = input.look(id);
    return look.kind === 'found' && isCandidate(input, look, choice) ? [look] : [];
  });
  const chosen = preferred(candidates, input);
  if (chosen) return { wanted: ready(input, chosen), wantedId: chosen.loadBalancer.id, mustCreate: false };
  const unread = intent.recorded.map(id => input.look(id)).find(look => look.kind === 'unknown');
  if (tagged.lookedAt === undefined || unread) {
    const error = tagged.error ?? (unread?.kind === 'unknown' ? unread.error : undefined);
    return { wanted: lookPending(intent, error), wantedId: undefined, mustCreate: false };
  }
  const wanted: LoadBalancerState = creation.problem
    ? { kind: 'failed', absent: true, problem: creation.problem }
    : { kind: 'creating' };
  const isHidden = answered !== undefined && input.look(answered).kind !== 'found';
  // Asked for again now, CLB would answer with the one that is on its way out.
  const isGoing = ids.some(id => input.deletion(id)?.kind === 'under-way');
  const mustCreate = intent.held && !isHidden && !isGoing && !choice.isHeld;
  return { wanted, wantedId: isHidden ? answered : undefined, mustCreate };
}

type Found = Extract<Look, { kind: 'found' }>;

function isCandidate(
  { intent, cluster, deletion }: HoldingsInput,
  { loadBalancer }: Found,
  choice: CreatedChoice,
): boolean {
  const isOurs = isMadeFor(loadBalancer, cluster, intent.service.uid);
  return isOurs && fits(loadBalancer, choice) && deletion(loadBalancer.id)?.kind !== 'under-way';
}

/** Of several, which no leader makes but misfortune may, all leaders choose the same, and stay with it. */
function preferred(candidates: readonly Found[], { intent, before }: HoldingsInput): Found | undefined {
  const sorted = candidates.toSorted((a, b) => (a.loadBalancer.id < b.loadBalancer.id ? -1 : 1));
  return (
    sorted.find(({ loadBalancer }) => loadBalancer.id === before?.wantedId) ??
    sorted.find(({ loadBalancer }) => intent.recorded.includes(loadBalancer.id)) ??
    sorted[0]
  );
}

/** One that held targets before may still hold them, whatever state CLB gives it now. */
function ready({ intent, before, now }: HoldingsInput, { loadBalancer, hasRun }: Found): LoadBalancerState {
  if (!hasRun && !intent.recorded.includes(loadBalancer.id)) return { kind: 'creating' };
  const known = before?.wanted.kind === 'ready' && before.wantedId === loadBalancer.id ? before.wanted : undefined;
  return { kind: 'ready', loadBalancer, since: known?.since ?? now };
}

function previousOf(id: string, input: HoldingsInput): PreviousLoadBalancer {
  const { intent, cluster, look, isShared } = input;
  const found = look(id);
  const isMade = found.kind === 'found' && isMadeFor(found.loadBalancer, cluster, intent.service.uid);
  const { loadBalancer: choice } = intent;
  // What the user names as an existing one is the user's to delete.
  const isOurs = isMade && !(choice.kind === 'existing' && choice.id === id);
  return { id, isOurs, isShared: isShared(id), state: previousState(found, input.deletion(id)) };
}

function previousState(look: Look, deletion: Deletion | undefined): PreviousState {
  switch (look.kind) {
    case 'unknown':
      return { kind: 'pending' };
    case 'absent':
      return { kind: 'gone' };
    case 'found': {
      if (deletion?.kind === 'under-way') return { kind: 'deleting' };
      const { loadBalancer } = look;
      if (!deletion) return { kind: 'ready', loadBalancer, refusal: undefined, mayBeDeleted: true };
      return { kind: 'ready', loadBalancer, refusal: deletion.problem, mayBeDeleted: deletion.mayRetry };
    }
  }
}

function lookPending(intent: ServiceIntent, error: CloudError | undefined): LoadBalancerState {
  return error ? { kind: 'failed', absent: false, problem: cloudProblem(intent.service, error) } : { kind: 'pending' };
}

function notFound({ service }: ServiceIntent, id: string): Problem {
  const annotation = service.kind === 'Ingress' ? EXISTING_LOAD_BALANCER : EXISTING_LOAD_BALANCER_ANNOTATION;
  return problem(
    'CD1004',
    `${ownerName(service)}: load balancer ${id} does not exist in this region and account. Correct the ` +
      `annotation ${annotation}; it is looked for again every 30 s.`,
  );
}
