import {
  ADOPT_LISTENER_ANNOTATION,
  DIRECT_ACCESS_ANNOTATION,
  EXISTING_LOAD_BALANCER_ANNOTATION,
  INTERNAL_SUBNET_ANNOTATION,
  LOAD_BALANCER_CLASS,
  MODE_ANNOTATION,
} from '../../common/names.ts';
import type { CreationSettings, LoadBalancerSettings } from '../cloud/load-balancer-settings.ts';
import type { Rule, RuleOwner } from '../core/rule.ts';
import type { AdoptedListener } from '../kube/load-balancer-record.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import type { AnnotatedObject } from '../manifests/annotation-reader.ts';
import {
  type LoadBalancerSource,
  type LoadBalancerWish,
  readLoadBalancerWish,
  SERVICE_LOAD_BALANCER_KEYS,
} from '../manifests/load-balancer-annotations.ts';
import { crossRegionProblem, sourceRangesProblem, unfollowedAnnotations } from '../manifests/refused-annotations.ts';
import type { ForwardingSettings, ListenerSettings, Redirect } from './listener-settings.ts';
import { type Problem, problem } from './problem.ts';
import { type CertificateOf, serviceRules } from './service-rules.ts';

/** What a claimed Service, or Ingress, asks of CLB. */
export interface ServiceIntent {
  readonly service: RuleOwner;
  /** Being deleted, or no longer ours by its annotations: what we made for it goes. */
  readonly leaving: boolean;
  /** Our finalizer is on it, so that what is made for it is never forgotten. */
  readonly finalized: boolean;
  /** Nobody but this term's leader can take the finalizer off: only then may something be made for the Service. */
  readonly held: boolean;
  /** RFC 3339: of two objects that want the same, the earlier one has it. */
  readonly createdAt: string;
  readonly loadBalancer: LoadBalancerChoice;
  /** What a load balancer made for it shall be like, as long as it lives; what is left out stays as it is. */
  readonly settings?: LoadBalancerSettings;
  /** What was made for the Service stays when the Service goes. */
  readonly retains?: boolean;
  /** It leaves because another controller takes over what it uses: that stays as it stands, targets and address too. */
  readonly handsBack?: boolean;
  /** Every load balancer that may hold listeners of the Service, as its record says. */
  readonly recorded: readonly string[];
  /** The user lets the Service use listeners that others made. */
  readonly adopts: boolean;
  /** Those that it uses, as its record says. */
  readonly adopted: readonly AdoptedListener[];
  readonly rules: readonly RuleIntent[];
  readonly problems: readonly Problem[];
}

export type LoadBalancerChoice = { readonly kind: 'existing'; readonly id: string } | CreatedChoice;

/** Made by us for this Service; internal when a subnet is given. */
export interface CreatedChoice {
  readonly kind: 'created';
  readonly subnetId: string | undefined;
  /** One that another controller made for the Service, and that is used on as long as it is there. */
  readonly inheritsId?: string;
  /** What it is made with. */
  readonly settings?: CreationSettings;
  /** What it shall be made with makes no sense: none is made until it does. */
  readonly isHeld?: boolean;
}

/** A rule before it has a place. Of settings that are left out, what CLB has stays. */
export interface RuleIntent extends Omit<Rule, 'place' | 'refusal'> {
  /** Of the listener, which on layer 7 may be shared: then the oldest object that sets one has its way. */
  readonly listenerSettings?: ListenerSettings;
  /** On layer 7. */
  readonly forwardingSettings?: ForwardingSettings;
  /** On layer 7, on HTTP. */
  readonly redirect?: Redirect;
  /**
   * Why it cannot be made as it is asked for, or not yet; where it stands already it stays, and what is not told is left
   * alone.
   */
  readonly notToMake?: Problem | 'pending';
}

export type Claim =
  | { readonly kind: 'claimed'; readonly intent: ServiceIntent }
  /** Not ours to touch. */
  | { readonly kind: 'unclaimed' }
  /** Meant for us, and not usable as it is. */
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

export interface ClaimOptions {
  /** TKE's own Service controller runs in this cluster, so that an annotation alone does not say who shall act. */
  readonly tkeController: boolean;
  /** None is known unless given. */
  readonly certificateOf?: CertificateOf;
}

/** Reads a Service (design section 5, claimed Service). */
export function claimOf(service: ServiceRecord, options: ClaimOptions): Claim {
  const direct = service.annotations[DIRECT_ACCESS_ANNOTATION];
  const adopt = service.annotations[ADOPT_LISTENER_ANNOTATION];
  const ownClass = service.loadBalancerClass === LOAD_BALANCER_CLASS;
  if (service.deleting) return service.finalized ? leaving(service, options) : { kind: 'unclaimed' };
  if (!isSwitch(direct)) return refused(service, options, invalidSwitch(service, DIRECT_ACCESS_ANNOTATION, direct));
  const wanted = service.type === 'LoadBalancer' && (ownClass || direct === 'true');
  if (!wanted) return service.finalized ? leaving(service, options) : { kind: 'unclaimed' };
  if (!ownClass && service.loadBalancerClass !== undefined) return { kind: 'unclaimed' };
  if (!ownClass && options.tkeController && service.annotations[MODE_ANNOTATION] !== 'skip') {
    return service.adopted.length > 0 ? handedBack(service, options) : refused(service, options, claimedTwice(service));
  }
  if (!isSwitch(adopt)) return refused(service, options, invalidSwitch(service, ADOPT_LISTENER_ANNOTATION, adopt));
  const intent = intentOf(service, options);
  const barrier = crossRegionProblem(annotated(service)) ?? openToAll(service, intent);
  return barrier ? refused(service, options, barrier) : { kind: 'claimed', intent };
}

/** Of two objects that want the same, the earlier one comes first; every leader sorts them alike. */
export function byAge(a: ServiceIntent, b: ServiceIntent): number {
  return compare(a.createdAt, b.createdAt) || compare(serviceName(a.service), serviceName(b.service));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `namespace/name`, as people write it. */
export function serviceName({ namespace, name }: ServiceIntent['service']): string {
  return `${namespace}/${name}`;
}

function isSwitch(value: string | undefined): value is 'true' | 'false' | undefined {
  return value === undefined || value === 'true' || value === 'false';
}

/** A Service that is bound already keeps being served: a slip in an annotation must not strand its Pods. */
function refused(service: ServiceRecord, options: ClaimOptions, cause: Problem): Claim {
  if (!service.finalized) return { kind: 'refused', problems: [cause] };
  const intent = intentOf(service, options);
  return { kind: 'claimed', intent: { ...intent, problems: [...intent.problems, cause] } };
}

/** TKE's controller goes on with its own listeners: it finds the targets that it would bind. */
function handedBack(service: ServiceRecord, options: ClaimOptions): Claim {
  return { kind: 'claimed', intent: { ...intentOf(service, options), leaving: true, handsBack: true, problems: [] } };
}

/** A security group that is named may hold the ranges: then it is served. */
function openToAll(service: ServiceRecord, { settings }: ServiceIntent): Problem | undefined {
  if (settings?.securityGroups !== undefined) return undefined;
  return sourceRangesProblem(annotated(service), service.sourceRanges ?? []);
}

function leaving(service: ServiceRecord, options: ClaimOptions): Claim {
  return { kind: 'claimed', intent: { ...intentOf(service, options), leaving: true, problems: [] } };
}

function intentOf(service: ServiceRecord, { certificateOf = () => undefined }: ClaimOptions): ServiceIntent {
  const { uid, namespace, name } = service;
  const place = placeOf(service);
  const object = annotated(service);
  const wish = readLoadBalancerWish(object, SERVICE_LOAD_BALANCER_KEYS, sourceOf(place));
  const { rules, problems } = serviceRules(service, certificateOf);
  return {
    service: { uid, namespace, name },
    leaving: false,
    finalized: service.finalized,
    held: false,
    createdAt: service.createdAt,
    loadBalancer: place.kind === 'existing' ? place : made(place, wish),
    ...(wish.settings && { settings: wish.settings }),
    retains: wish.retains,
    recorded: service.recorded,
    adopts: service.annotations[ADOPT_LISTENER_ANNOTATION] === 'true',
    adopted: service.adopted,
    rules,
    problems: [...problems, ...wish.problems, ...unfollowedAnnotations(object)],
  };
}

function annotated(service: ServiceRecord): AnnotatedObject {
  const { namespace, name, annotations } = service;
  return { kind: 'Service', namespace, name, annotations };
}

function placeOf(service: ServiceRecord): LoadBalancerChoice {
  const { annotations, loadBalancerId } = service;
  const id = annotations[EXISTING_LOAD_BALANCER_ANNOTATION];
  if (id) return { kind: 'existing', id };
  const inherits = annotations[ADOPT_LISTENER_ANNOTATION] === 'true' && loadBalancerId;
  return {
    kind: 'created',
    subnetId: annotations[INTERNAL_SUBNET_ANNOTATION],
    ...(inherits && { inheritsId: inherits }),
  };
}

function sourceOf(place: LoadBalancerChoice): LoadBalancerSource {
  if (place.kind === 'existing') return 'existing';
  return place.subnetId === undefined ? 'public' : 'internal';
}

function made(place: CreatedChoice, { creation, isHeld }: LoadBalancerWish): CreatedChoice {
  return { ...place, ...(creation && { settings: creation }), ...(isHeld && { isHeld }) };
}

function invalidSwitch(service: ServiceRecord, annotation: string, value: string): Problem {
  return problem(
    'CD1001',
    `Service ${serviceName(service)}: annotation ${annotation} is "${value}", but only "true" and "false" are known. ` +
      'The Service is left as it is until the value is corrected.',
  );
}

function claimedTwice(service: ServiceRecord): Problem {
  return problem(
    'CD3001',
    `Service ${serviceName(service)}: TKE's own controller runs in this cluster and would act on it ` +
      `too. Add the annotation ${MODE_ANNOTATION}: "skip" to hand the Service over; until then nothing is touched.`,
  );
}
