import type { Pod, Service } from '../../../common/kube/objects.ts';
import { FINALIZER, LOAD_BALANCERS_ANNOTATION, READINESS_GATE } from '../../../common/names.ts';
import { podUidOf } from '../evidence.ts';
import type { Account, HeldListener, HeldLoadBalancer, HeldTarget } from '../load-balancers/account.ts';
import type { Chronicle } from './chronicle.ts';
import {
  existingOf,
  hasCondition,
  isClaimed,
  isLiving,
  isServing,
  type WantedPort,
  type WantedTarget,
  wantedPorts,
  wantedTargets,
  weightOf,
} from './desired-state.ts';
import type { Strangers } from './strangers.ts';

export interface Settlement {
  readonly account: Account;
  readonly strangers: Pick<Strangers, 'damage' | 'ownsLoadBalancer' | 'ownsListener' | 'ownsTarget'>;
  readonly chronicle: Pick<Chronicle, 'services' | 'pods'>;
  /** Wall milliseconds. */
  readonly now: number;
  /** The ids of the load balancers that Services may share. */
  readonly shared: readonly string[];
}

/** How the cloud and the API server differ from what users ask for and what others own; empty when all is as it should. */
export function differencesNow(settlement: Settlement): readonly string[] {
  const { strangers } = settlement;
  const services = servicesOf(settlement);
  return [
    ...strangers.damage(),
    ...services.flatMap(service => serviceDifferences(settlement, service)),
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
  return loadBalancerOf(settlement, service) ? [] : [`Service ${name} tells no address of its load balancer`];
}

/** The one whose address the Service tells, if it is the one that it asks for. */
function loadBalancerOf({ account, strangers, shared }: Settlement, service: Service): HeldLoadBalancer | undefined {
  const address = service.status?.loadBalancer?.ingress?.[0]?.ip;
  const found = account.loadBalancers().find(({ vips }) => address !== undefined && vips.includes(address));
  if (!found || strangers.ownsLoadBalancer(found.id)) return undefined;
  const existing = existingOf(service);
  return (existing === undefined ? !shared.includes(found.id) : found.id === existing) ? found : undefined;
}

function loadBalancerDifferences(settlement: Settlement, claimed: readonly Service[]): string[] {
  const { account, strangers, shared } = settlement;
  const tenants = new Map<string, Service[]>();
  for (const service of claimed) {
    const id = loadBalancerOf(settlement, service)?.id;
    if (id !== undefined) tenants.set(id, [...(tenants.get(id) ?? []), service]);
  }
  return account.loadBalancers().flatMap(({ id }) => {
    if (strangers.ownsLoadBalancer(id)) return [];
    const services = tenants.get(id) ?? [];
    if (!shared.includes(id) && services.length !== 1) return [`${id} was made for ${services.length} Services`];
    return listenerDifferences(settlement, id, services);
  });
}

function listenerDifferences(settlement: Settlement, loadBalancerId: string, services: readonly Service[]): string[] {
  const { account, strangers } = settlement;
  const listeners = account.listenersOf(loadBalancerId);
  const ours = listeners.filter(({ id }) => !strangers.ownsListener(id));
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
  const wanted = wantedTargets(port, pods);
  const held = account
    .targetsOn(place.loadBalancerId, place.port, familyOf(place))
    .filter(({ address }) => !strangers.ownsTarget(place.id, address));
  const living = new Set(pods.filter(isLiving).map(({ metadata }) => metadata.uid));
  const isKeptOpen = ({ tag, weight }: HeldTarget) => weight > 0 && living.has(podUidOf(tag));
  const wrong = held.flatMap(target => {
    const text = whatIsWrongWith(target, wanted.get(whereOf(target)));
    return text === undefined ? [] : [{ text, isKeptOpen: isKeptOpen(target) }];
  });
  // Law L2: what is not wanted any more of a living Pod stays while it is the last that is open.
  const mayKeepLast = [...wanted.values()].every(({ weight }) => weight === 0);
  const last = mayKeepLast ? wrong.find(each => each.isKeptOpen) : undefined;
  const bound = new Set(held.map(whereOf));
  const missing = [...wanted].filter(([where]) => !bound.has(where));
  return [
    ...wrong.filter(each => each !== last).map(({ text }) => text),
    ...missing.map(([where, { podName }]) => `${where} of ${podName} is missing`),
  ];
}

function familyOf({ protocol }: HeldListener): 'TCP' | 'UDP' {
  return protocol === 'UDP' ? 'UDP' : 'TCP';
}

function whereOf({ address, port }: HeldTarget): string {
  return `${address}:${port}`;
}

function whatIsWrongWith(target: HeldTarget, wanted: WantedTarget | undefined): string | undefined {
  const { weight, tag } = target;
  const where = whereOf(target);
  if (!wanted) return `nobody wants ${where} (weight ${weight}, ${tag})`;
  if (podUidOf(tag) !== wanted.podUid) return `${where} is of ${wanted.podName} and marked ${tag}`;
  return weight === wanted.weight ? undefined : `${where} of ${wanted.podName} weighs ${weight}, not ${wanted.weight}`;
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
