import type { InstanceNames } from '../../common/instance-names.ts';
import {
  ADOPT_LISTENER_ANNOTATION,
  DIRECT_ACCESS_ANNOTATION,
  EXISTING_LOAD_BALANCER_ANNOTATION,
  INTERNAL_SUBNET_ANNOTATION,
  MODE_ANNOTATION,
} from '../../common/names.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import type { AnnotatedObject } from '../manifests/annotation-reader.ts';
import {
  type LoadBalancerSource,
  type LoadBalancerWish,
  readLoadBalancerWish,
  SERVICE_LOAD_BALANCER_KEYS,
} from '../manifests/load-balancer-annotations.ts';
import { crossRegionProblem, sourceRangesProblem, unfollowedAnnotations } from '../manifests/refused-annotations.ts';
import { type Problem, problem } from './problem.ts';
import {
  type Claim,
  type CreatedChoice,
  type LoadBalancerChoice,
  type ServiceIntent,
  serviceName,
} from './service-intent.ts';
import { type CertificateOf, serviceRules } from './service-rules.ts';

export interface ClaimOptions {
  readonly names: InstanceNames;
  /** TKE's own Service controller runs in this cluster, so that an annotation alone does not say who shall act. */
  readonly tkeController: boolean;
  /** None is known unless given. */
  readonly certificateOf?: CertificateOf;
}

/** Reads a Service (design section 5, claimed Service). */
export function claimOf(service: ServiceRecord, options: ClaimOptions): Claim {
  const direct = service.annotations[DIRECT_ACCESS_ANNOTATION];
  const adopt = service.annotations[ADOPT_LISTENER_ANNOTATION];
  const ownClass = service.loadBalancerClass === options.names.loadBalancerClass;
  if (service.deleting || isOthers(service, options))
    return service.finalized ? leaving(service, options) : { kind: 'unclaimed' };
  if (!isSwitch(direct)) return refused(service, options, invalidSwitch(service, DIRECT_ACCESS_ANNOTATION, direct));
  const wanted = service.type === 'LoadBalancer' && (ownClass || direct === 'true');
  if (!wanted) return service.finalized ? leaving(service, options) : { kind: 'unclaimed' };
  if (!ownClass && options.tkeController && service.annotations[MODE_ANNOTATION] !== 'skip') {
    return service.adopted.length > 0 ? handedBack(service, options) : refused(service, options, claimedTwice(service));
  }
  if (!isSwitch(adopt)) return refused(service, options, invalidSwitch(service, ADOPT_LISTENER_ANNOTATION, adopt));
  const intent = intentOf(service, options);
  const barrier = crossRegionProblem(annotated(service)) ?? openToAll(service, intent);
  return barrier ? refused(service, options, barrier) : { kind: 'claimed', intent };
}

/** A Service without a class is the default instance's alone. */
function isOthers({ loadBalancerClass }: ServiceRecord, { names }: ClaimOptions): boolean {
  if (loadBalancerClass === undefined) return names.name !== '';
  return loadBalancerClass !== names.loadBalancerClass;
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
