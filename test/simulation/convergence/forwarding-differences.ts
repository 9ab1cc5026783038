import type { Ingress, Service } from '../../../common/kube/objects.ts';
import { INGRESS_CUSTOM_WEIGHT_ANNOTATION } from '../../../common/names.ts';
import type { HeldForwardingRule, HeldLoadBalancer } from '../load-balancers/account.ts';
import { type WantedPlace, wantedPlaces } from './desired-forwarding.ts';
import { isServing, selects, type WantedTarget } from './desired-state.ts';
import type { Settlement } from './settlement.ts';
import { differentTuning, wrongTargets } from './wrong-targets.ts';

interface Guests {
  readonly loadBalancer: HeldLoadBalancer;
  /** That are to be served there. */
  readonly ingresses: readonly Ingress[];
}

const DEFAULT_WEIGHT = 10;

/** How the forwarding rules of a load balancer differ from what Ingresses ask for. */
export function forwardingDifferences(settlement: Settlement, { loadBalancer, ingresses }: Guests): string[] {
  const { account, manifests, now } = settlement;
  if (!manifests) return [];
  const references = { secrets: manifests.secrets.at(now), configs: manifests.configs.at(now) };
  const [vip = ''] = loadBalancer.vips;
  const places = ingresses.flatMap(ingress => wantedPlaces(ingress, references));
  const wanted = Map.groupBy(places, ({ scheme, port, host, url }) => `${scheme}:${port} ${host || vip}${url}`);
  const held = new Map(account.forwardingRulesOn(loadBalancer.id).map(rule => [labelOf(rule), rule]));
  const surplus = [...held.keys()].filter(label => !wanted.has(label));
  const found = surplus.map(label => `${loadBalancer.id} ${label}: nobody wants it`);
  for (const [label, contenders] of wanted) {
    const rule = held.get(label);
    const ofDomain = places.filter(each => isOfDomain(each, contenders));
    const problems = rule ? leastWrong(settlement, rule, contenders, ofDomain) : missing(contenders);
    found.push(...problems.map(problem => `${loadBalancer.id} ${label}: ${problem}`));
  }
  return found;
}

function labelOf({ protocol, port, domain, url }: HeldForwardingRule): string {
  return `${protocol}:${port} ${domain}${url}`;
}

function isOfDomain({ port, host }: WantedPlace, [first]: readonly WantedPlace[]): boolean {
  return port === first?.port && host === first.host;
}

/** Nothing new is made for HTTPS without a certificate. */
function missing(contenders: readonly WantedPlace[]): string[] {
  const canBeMade = contenders.some(({ scheme, certificateId }) => scheme === 'HTTP' || certificateId !== undefined);
  return canBeMade ? ['it is missing'] : [];
}

/** Several Ingresses may ask for the same host and path: one of them has it. */
function leastWrong(
  settlement: Settlement,
  rule: HeldForwardingRule,
  contenders: readonly WantedPlace[],
  ofDomain: readonly WantedPlace[],
): string[] {
  const [best = []] = contenders
    .map(place => [
      ...wrongBackend(settlement, rule, place),
      // Who has the place has its settings; what the one before set, and the next one does not name, stays.
      ...(contenders.length === 1 ? differentTuning(rule, place.tuning) : []),
    ])
    .toSorted((a, b) => a.length - b.length);
  return [...best, ...wrongCertificate(rule, ofDomain)];
}

function wrongBackend({ chronicle, now }: Settlement, rule: HeldForwardingRule, place: WantedPlace): string[] {
  const pods = chronicle.pods.at(now);
  const backend = chronicle.services.at(now).find(({ metadata }) => metadata.name === place.backend);
  return wrongTargets(rule.targets, backend ? targetsOf(backend, pods) : new Map(), pods);
}

function targetsOf(backend: Service, pods: Parameters<typeof wrongTargets>[2]): ReadonlyMap<string, WantedTarget> {
  const [{ port, targetPort } = { port: 0 }] = backend.spec.ports ?? [];
  const serving = pods.filter(pod => selects(backend, pod) && isServing(pod));
  return new Map(
    serving.map(({ metadata, status }) => {
      const weight = Number(metadata.annotations?.[INGRESS_CUSTOM_WEIGHT_ANNOTATION] ?? DEFAULT_WEIGHT);
      const { uid: podUid = '', name: podName } = metadata;
      return [`${status?.podIP}:${Number(targetPort ?? port)}`, { podUid, podName, weight }];
    }),
  );
}

/** All rules of a domain have one certificate: that of any of them. One that goes leaves the certificate as it is. */
function wrongCertificate({ protocol, certificateId }: HeldForwardingRule, ofDomain: readonly WantedPlace[]): string[] {
  const named = ofDomain.map(place => place.certificateId);
  if (protocol === 'HTTP' || named.includes(undefined) || named.includes(certificateId)) return [];
  return [`its certificate is ${certificateId || 'none'}, not ${[...new Set(named)].join(' or ')}`];
}
