import {
  ADOPT_LISTENER_ANNOTATION,
  DIRECT_ACCESS_ANNOTATION,
  EXISTING_LOAD_BALANCER_ANNOTATION,
  INTERNAL_SUBNET_ANNOTATION,
  LOAD_BALANCER_CLASS,
  MODE_ANNOTATION,
} from '../../common/names.ts';
import { Protocol } from '../../common/pod-record.ts';
import type { CreationSettings, LoadBalancerSettings } from '../cloud/load-balancer-settings.ts';
import type { Rule, RuleOwner } from '../core/rule.ts';
import type { AdoptedListener } from '../kube/load-balancer-record.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import type { ForwardingSettings, ListenerSettings, Redirect } from './listener-settings.ts';
import { type Problem, problem } from './problem.ts';

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
  /** Why it cannot be made as it is asked for; where it stands already it stays, and what is not told is left alone. */
  readonly notToMake?: Problem;
}

export type Claim =
  | { readonly kind: 'claimed'; readonly intent: ServiceIntent }
  /** Not ours to touch. */
  | { readonly kind: 'unclaimed' }
  /** Meant for us, and not usable as it is. */
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/**
 * Reads a Service (design section 5, claimed Service). `tkeController`: TKE's own Service controller runs in this
 * cluster, so that an annotation alone does not say who shall act.
 */
export function claimOf(service: ServiceRecord, options: { tkeController: boolean }): Claim {
  const direct = service.annotations[DIRECT_ACCESS_ANNOTATION];
  const adopt = service.annotations[ADOPT_LISTENER_ANNOTATION];
  const ownClass = service.loadBalancerClass === LOAD_BALANCER_CLASS;
  if (service.deleting) return service.finalized ? leaving(service) : { kind: 'unclaimed' };
  if (!isSwitch(direct)) return refused(service, invalidSwitch(service, DIRECT_ACCESS_ANNOTATION, direct));
  const wanted = service.type === 'LoadBalancer' && (ownClass || direct === 'true');
  if (!wanted) return service.finalized ? leaving(service) : { kind: 'unclaimed' };
  if (!ownClass && service.loadBalancerClass !== undefined) return { kind: 'unclaimed' };
  if (!ownClass && options.tkeController && service.annotations[MODE_ANNOTATION] !== 'skip') {
    return refused(service, claimedTwice(service));
  }
  if (!isSwitch(adopt)) return refused(service, invalidSwitch(service, ADOPT_LISTENER_ANNOTATION, adopt));
  return { kind: 'claimed', intent: intentOf(service) };
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
function refused(service: ServiceRecord, cause: Problem): Claim {
  if (!service.finalized) return { kind: 'refused', problems: [cause] };
  const intent = intentOf(service);
  return { kind: 'claimed', intent: { ...intent, problems: [...intent.problems, cause] } };
}

function leaving(service: ServiceRecord): Claim {
  return { kind: 'claimed', intent: { ...intentOf(service), leaving: true, problems: [] } };
}

function intentOf(service: ServiceRecord): ServiceIntent {
  const problems: Problem[] = [];
  const rules: RuleIntent[] = [];
  for (const port of service.ports) {
    if (port.protocol === 'SCTP') problems.push(unsupportedProtocol(service, port.port));
    else rules.push(ruleIntent(service, port));
  }
  const { uid, namespace, name } = service;
  return {
    service: { uid, namespace, name },
    leaving: false,
    finalized: service.finalized,
    held: false,
    createdAt: service.createdAt,
    loadBalancer: choiceOf(service),
    recorded: service.recorded,
    adopts: service.annotations[ADOPT_LISTENER_ANNOTATION] === 'true',
    adopted: service.adopted,
    rules,
    problems,
  };
}

function ruleIntent(service: ServiceRecord, port: ServiceRecord['ports'][number]): RuleIntent {
  const { uid, namespace, name } = service;
  const protocol = port.protocol === 'UDP' ? Protocol.UDP : Protocol.TCP;
  return {
    id: `${uid}/${port.protocol ?? 'TCP'}/${port.port}`,
    service: { uid, namespace, name },
    protocol,
    port: port.port,
    selector: service.selector,
    targetPort: port.targetPort ?? port.port,
    publishNotReadyAddresses: service.publishNotReadyAddresses,
  };
}

function choiceOf(service: ServiceRecord): LoadBalancerChoice {
  const id = service.annotations[EXISTING_LOAD_BALANCER_ANNOTATION];
  return id ? { kind: 'existing', id } : { kind: 'created', subnetId: service.annotations[INTERNAL_SUBNET_ANNOTATION] };
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

function unsupportedProtocol(service: ServiceRecord, port: number): Problem {
  return problem(
    'CD1003',
    `Service ${serviceName(service)}: port ${port} uses SCTP, which CLB does not carry. The other ` +
      'ports are served; remove this one or use TCP or UDP.',
  );
}
