import type { Ingress, Pod, Service } from '../../../common/kube/objects.ts';
import { FINALIZER, LOAD_BALANCERS_ANNOTATION, READINESS_GATE } from '../../../common/names.ts';
import { podUidOf } from '../evidence.ts';
import type { HeldListener, HeldLoadBalancer } from '../load-balancers/account.ts';
import { EXISTING, isClaimedIngress, tuningOfPort } from './desired-forwarding.ts';
import {
  existingOf,
  hasCondition,
  isClaimed,
  isLiving,
  isServing,
  type WantedPort,
  wantedPorts,
  wantedTargets,
  weightOf,
} from './desired-state.ts';
import { forwardingDifferences } from './forwarding-differences.ts';
import type { Settlement } from './settlement.ts';
import { differentTuning, wrongTargets } from './wrong-targets.ts';

/** How the cloud and the API server differ from what users ask for and what others own; empty when all is as it should. */
export function differencesNow(settlement: Settlement): readonly string[] {
  const { strangers } = settlement;
  const services = servicesOf(settlement);
  return [
    ...strangers.damage(),
    ...services.flatMap(service => serviceDifferences(settlement, service)),
    ...ingressesOf(settlement).flatMap(ingress => ingressDifferences(settlement, ingress)),
    ...loadBalancerDifferences(settlement, services.filter(isClaimed)),
    ...podDifferences(settlement),
  ];
}

function servicesOf({ chronicle, now }: Settlement): readonly Service[] {
  return chronicle.services.at(now).filter(({ spec }) => spec.type === 'LoadBalancer');
}

function serviceDifferences(settlement: Settlement, service: Service): string[] {
  const { name, deletionTimestamp, finalizers = [], annotations = {} } = service.metadata;
  if (deletionTimestamp !== undefined) return [`Service ${name} is still being deleted`];
  const isMarked = finalizers.includes(FINALIZER) || LOAD_BALANCERS_ANNOTATION in annotations;
  if (!isClaimed(service)) return isMarked ? [`Service ${name} is not ours and still carries marks of ours`] : [];
  return loadBalancerOf(settlement, service, existingOf(service))
    ? []
    : [`Service ${name} tells no address of its load balancer`];
}

function ingressesOf({ manifests, now }: Settlement): readonly Ingress[] {
  return manifests?.ingresses.at(now) ?? [];
}

function ingressDifferences(settlement: Settlement, ingress: Ingress): string[] {
  const { name, deletionTimestamp, finalizers = [] } = ingress.metadata;
  if (deletionTimestamp !== undefined) return [`Ingress ${name} is still being deleted`];
  if (!isClaimedIngress(ingress)) return finalizers.includes(FINALIZER) ? [`Ingress ${name} is still held`] : [];
  const existing = ingress.metadata.annotations?.[EXISTING];
  return loadBalancerOf(settlement, ingress, existing) ? [] : [`Ingress ${name} tells no address of its load balancer`];
}

/** The one whose address the Service or Ingress tells, if it is the one that it asks for. */
function loadBalancerOf(
  { account, strangers, shared }: Settlement,
  { status }: Service | Ingress,
  existing: string | undefined,
): HeldLoadBalancer | undefined {
  const address = status?.loadBalancer?.ingress?.[0]?.ip;
  const found = account.loadBalancers().find(({ vips }) => address !== undefined && vips.includes(address));
  if (!found || strangers.ownsLoadBalancer(found.id)) return undefined;
  return (existing === undefined ? !shared.includes(found.id) : found.id === existing) ? found : undefined;
}

function loadBalancerDifferences(settlement: Settlement, claimed: readonly Service[]): string[] {
  const { account, strangers, shared } = settlement;
  const tenants = new Map<string, Service[]>();
  for (const service of claimed) {
    const id = loadBalancerOf(settlement, service, existingOf(service))?.id;
    if (id !== undefined) tenants.set(id, [...(tenants.get(id) ?? []), service]);
  }
  const guests = Map.groupBy(
    ingressesOf(settlement).filter(isClaimedIngress),
    ingress => loadBalancerOf(settlement, ingress, ingress.metadata.annotations?.[EXISTING])?.id,
  );
  return account.loadBalancers().flatMap(loadBalancer => {
    const { id } = loadBalancer;
    if (strangers.ownsLoadBalancer(id)) return [];
    const services = tenants.get(id) ?? [];
    const ingresses = guests.get(id) ?? [];
    const owners = services.length + ingresses.length;
    if (!shared.includes(id) && owners !== 1) return [`${id} was made for ${owners} Services or Ingresses`];
    const forwarding = forwardingDifferences(settlement, { loadBalancer, ingresses });
    return [...listenerDifferences(settlement, id, services), ...forwarding];
  });
}

function listenerDifferences(settlement: Settlement, loadBalancerId: string, services: readonly Service[]): string[] {
  const { account, strangers } = settlement;
  const listeners = account.listenersOf(loadBalancerId);
  const ours = listeners.filter(({ id, protocol }) => !strangers.ownsListener(id) && !protocol.startsWith('HTTP'));
  const wanted = Map.groupBy(services.flatMap(wantedPorts), ({ protocol, port }) => `${protocol}:${port}`);
  const surplus = ours.filter(listener => !wanted.has(labelOf(listener)));
  const found = surplus.map(({ id, name }) => `${loadBalancerId}: nobody wants listener ${id} ("${name}")`);
  for (const [label, contenders] of wanted) {
    const listener = listeners.find(candidate => labelOf(candidate) === label);
    if (listener && strangers.ownsListener(listener.id)) continue;
    const winner = contenders.find(({ service }) => listener && isNamedAfter(listener, service));
    const problems =
      listener && winner
        ? targetDifferences(settlement, { ...listener, loadBalancerId }, winner)
        : ['no listener of a Service that wants it'];
    found.push(...problems.map(problem => `${loadBalancerId} ${label}: ${problem}`));
  }
  return found;
}

interface Place extends HeldListener {
  readonly loadBalancerId: string;
}

function labelOf({ protocol, port }: HeldListener): string {
  return `${protocol}:${port}`;
}

/** A listener of ours tells in its name whose it is. */
function isNamedAfter({ name }: { readonly name: string }, { metadata }: Service): boolean {
  return name.startsWith('clb-direct-') && name.endsWith(`-${metadata.uid?.slice(0, 8)}`);
}

function targetDifferences(settlement: Settlement, place: Place, port: WantedPort): string[] {
  const { account, strangers, chronicle, now } = settlement;
  const pods = chronicle.pods.at(now);
  const held = account
    .targetsOn(place.loadBalancerId, place.port, familyOf(place))
    .filter(({ address }) => !strangers.ownsTarget(place.id, address));
  return [...wrongTargets(held, wantedTargets(port, pods), pods), ...wrongTuning(settlement, place, port)];
}

function wrongTuning({ account, manifests, now }: Settlement, place: Place, { service }: WantedPort): string[] {
  if (!manifests) return [];
  const wanted = tuningOfPort(service, place, manifests.configs.at(now));
  const { Scheduler, HealthCheck } = account.settingsOf(place.loadBalancerId, place.id) as {
    Scheduler: string;
    HealthCheck: { IntervalTime: number };
  };
  return differentTuning({ scheduler: Scheduler, intervalSeconds: HealthCheck.IntervalTime }, wanted);
}

function familyOf({ protocol }: HeldListener): 'TCP' | 'UDP' {
  return protocol === 'UDP' ? 'UDP' : 'TCP';
}

function podDifferences(settlement: Settlement): string[] {
  const { chronicle, now } = settlement;
  return chronicle.pods.at(now).flatMap(pod => {
    const { name } = pod.metadata;
    if (!isLiving(pod)) return [`Pod ${name} is neither there nor gone`];
    if (!isServing(pod)) return [`Pod ${name} is not ready`];
    if (hasCondition(pod, READINESS_GATE) || isKeptOpen(settlement, pod)) return [];
    return [`Pod ${name} is ready and its gate is shut`];
  });
}

/** Its weight 0 is not there to read, since law L2 keeps it open as the last one: the gate goes on waiting for it. */
function isKeptOpen({ account }: Settlement, pod: Pod): boolean {
  if (weightOf(pod) > 0) return false;
  return account.loadBalancers().some(({ id: loadBalancerId }) =>
    account
      .listenersOf(loadBalancerId)
      .flatMap(listener => account.targetsOn(loadBalancerId, listener.port, familyOf(listener)))
      .some(({ tag, weight }) => weight > 0 && podUidOf(tag) === pod.metadata.uid),
  );
}
