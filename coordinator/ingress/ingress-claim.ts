import {
  ADOPT_LISTENER_ANNOTATION,
  INGRESS_LOAD_BALANCER_ID_ANNOTATION,
  INGRESS_MODE_ANNOTATION,
} from '../../common/names.ts';
import type { IngressRecord } from '../kube/ingress-reflector.ts';
import { ownerName } from '../loadbalancers/owner.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import type { Claim, CreatedChoice, LoadBalancerChoice, ServiceIntent } from '../loadbalancers/service-intent.ts';
import { AnnotationReader } from '../manifests/annotation-reader.ts';
import {
  type LoadBalancerSource,
  type LoadBalancerWish,
  readLoadBalancerWish,
} from '../manifests/load-balancer-annotations.ts';
import * as annotation from './ingress-annotations.ts';
import type { IngressFacts } from './ingress-facts.ts';
import { ingressRules } from './ingress-rules.ts';

/** Reads an Ingress (design section 5, claimed Ingress). */
export function claimOfIngress(ingress: IngressRecord, facts: IngressFacts): Claim {
  if (ingress.deleting) return ingress.finalized ? leaving(ingress, facts) : { kind: 'unclaimed' };
  const reader = new AnnotationReader(ingress);
  const isDirect = reader.flag(annotation.DIRECT_ACCESS);
  const { ingressClass, name: instance } = facts.names;
  const isOurs = ingress.className === ingressClass;
  // TKE's class is the default instance's alone.
  const isMeant = isOurs || (instance === '' && ingress.className === annotation.TKE_CLASS);
  if (isMeant && reader.problems.length > 0) return refused(ingress, facts, reader.problems);
  if (!isOurs && !(isMeant && isDirect)) return ingress.finalized ? leaving(ingress, facts) : { kind: 'unclaimed' };
  if (!isOurs && facts.tkeController && reader.text(INGRESS_MODE_ANNOTATION) !== 'skip') {
    return ingress.adopted.length > 0 ? handedBack(ingress, facts) : refused(ingress, facts, [claimedTwice(ingress)]);
  }
  return { kind: 'claimed', intent: intentOf(ingress, facts) };
}

/** One that is bound already keeps being served: a slip in an annotation must not strand its Pods. */
function refused(ingress: IngressRecord, facts: IngressFacts, causes: readonly Problem[]): Claim {
  if (!ingress.finalized) return { kind: 'refused', problems: causes };
  const intent = intentOf(ingress, facts);
  return { kind: 'claimed', intent: { ...intent, problems: [...intent.problems, ...causes] } };
}

/** TKE's controller goes on with its own listeners and rules: it finds the targets that it would bind. */
function handedBack(ingress: IngressRecord, facts: IngressFacts): Claim {
  return { kind: 'claimed', intent: { ...intentOf(ingress, facts), leaving: true, handsBack: true, problems: [] } };
}

function leaving(ingress: IngressRecord, facts: IngressFacts): Claim {
  return { kind: 'claimed', intent: { ...intentOf(ingress, facts), leaving: true, problems: [] } };
}

function intentOf(ingress: IngressRecord, facts: IngressFacts): ServiceIntent {
  const reader = new AnnotationReader(ingress);
  const { rules, problems } = ingressRules(ingress, facts, reader);
  const adopts = reader.flag(ADOPT_LISTENER_ANNOTATION) === true;
  const place = placeOf(reader, { adopts });
  const wish = readLoadBalancerWish(ingress, annotation.LOAD_BALANCER_KEYS, sourceOf(place));
  const { uid, namespace, name, finalized, createdAt, recorded, adopted } = ingress;
  return {
    service: { kind: 'Ingress', uid, namespace, name },
    leaving: false,
    finalized,
    held: false,
    createdAt,
    loadBalancer: place.kind === 'existing' ? place : made(place, wish),
    ...(wish.settings && { settings: wish.settings }),
    retains: wish.retains,
    recorded,
    adopts,
    adopted,
    rules,
    problems: [...reader.problems, ...problems, ...wish.problems, ...notServed(ingress, reader)],
  };
}

function placeOf(reader: AnnotationReader, { adopts }: { adopts: boolean }): LoadBalancerChoice {
  const id = reader.text(annotation.EXISTING_LOAD_BALANCER);
  if (id) return { kind: 'existing', id };
  const inherits = adopts && reader.text(INGRESS_LOAD_BALANCER_ID_ANNOTATION);
  const subnetId = reader.text(annotation.INTERNAL_SUBNET);
  return { kind: 'created', subnetId, ...(inherits && { inheritsId: inherits }) };
}

function sourceOf(place: LoadBalancerChoice): LoadBalancerSource {
  if (place.kind === 'existing') return 'existing';
  return place.subnetId === undefined ? 'public' : 'internal';
}

function made(place: CreatedChoice, { creation, isHeld }: LoadBalancerWish): CreatedChoice {
  return { ...place, ...(creation && { settings: creation }), ...(isHeld && { isHeld }) };
}

/** What TKE's controller does and we do not, and what to write instead. */
const NOT_SERVED: Readonly<Record<string, string>> = {
  [annotation.REWRITE_SUPPORT]: `use ${annotation.AUTO_REWRITE}: "true" for redirects from HTTP to HTTPS`,
  [annotation.ENABLE_GROUP]: `let the Ingresses name the same load balancer by ${annotation.EXISTING_LOAD_BALANCER}`,
  [annotation.MODIFICATION_PROTECTION]:
    'keep others from changing the load balancer by a policy of access management (CAM)',
  [annotation.WEIGHTS]: 'give Pods weights by the annotation service.cloud.tencent.com/custom-weight',
  [annotation.MIX_TARGET_PREFER]: "the load balancer's own address family decides which address of a Pod is bound",
};

function notServed(ingress: IngressRecord, reader: AnnotationReader): Problem[] {
  const found = Object.entries(NOT_SERVED).filter(([name]) => (reader.text(name) ?? 'false') !== 'false');
  return found.map(([name, instead]) =>
    problem(
      'CD1045',
      `${ownerName(ingress)}: annotation ${name} is not supported, and nothing follows from it. Instead: ${instead}.`,
    ),
  );
}

function claimedTwice(ingress: IngressRecord): Problem {
  return problem(
    'CD3001',
    `${ownerName(ingress)}: TKE's own Ingress controller runs in this cluster and would act on it too. Add the annotation ` +
      `${INGRESS_MODE_ANNOTATION}: "skip" to hand the Ingress over; until then nothing is touched.`,
  );
}
