import type { PodRecord } from '../../common/pod-record.ts';

/** A Service's selector, as far as finding its Pods goes. */
export interface SelectingService {
  readonly uid: string;
  readonly namespace: string;
  readonly selector: Readonly<Record<string, string>>;
}

interface Member {
  readonly service: SelectingService;
  /** The label by which Pods are led here: the one of the selector that fewest other Services use so. */
  readonly anchor: string;
  readonly podUids: Set<string>;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Which Services select which Pods, kept up to date: the cost of a changed Pod grows with its labels, not with the
 * number of Services or Pods.
 */
export class SelectorIndex {
  readonly #members = new Map<string, Member>();
  readonly #byAnchor = new Map<string, Set<Member>>();
  readonly #servicesOf = new Map<string, Set<string>>();

  /** The UIDs of the Pods that the Service selects. */
  podsOf(serviceUid: string): ReadonlySet<string> {
    return this.#members.get(serviceUid)?.podUids ?? NONE;
  }

  /** The UIDs of the Services that select the Pod. */
  servicesOf(podUid: string): ReadonlySet<string> {
    return this.#servicesOf.get(podUid) ?? NONE;
  }

  /** Whether the Service is known with this very selector. */
  knows({ uid, namespace, selector }: SelectingService): boolean {
    const known = this.#members.get(uid)?.service;
    return known !== undefined && known.namespace === namespace && isSameSelector(known.selector, selector);
  }

  /** Services that are new or have another selector; `pods` is asked once for all of them. */
  setServices(services: readonly SelectingService[], pods: Iterable<PodRecord>): void {
    const changed = services.filter(service => !this.knows(service));
    if (changed.length === 0) return;
    const fresh = new Set(changed.map(service => this.#add(service)));
    for (const pod of pods) {
      for (const member of this.#candidates(pod)) if (fresh.has(member)) this.#decide(member, pod);
    }
  }

  removeService(serviceUid: string): void {
    const member = this.#members.get(serviceUid);
    if (!member) return;
    for (const podUid of member.podUids) this.#unlink(podUid, serviceUid);
    this.#members.delete(serviceUid);
    const sharing = this.#byAnchor.get(member.anchor);
    sharing?.delete(member);
    if (sharing?.size === 0) this.#byAnchor.delete(member.anchor);
  }

  /** @returns the UIDs of all Services that select the Pod now or did before */
  setPod(pod: PodRecord): ReadonlySet<string> {
    const concerned = new Set(this.#servicesOf.get(pod.uid));
    const candidates = this.#candidates(pod);
    const stays = new Set(candidates.filter(member => isSelected(member.service, pod)));
    for (const serviceUid of concerned) {
      const member = this.#members.get(serviceUid);
      if (member && !stays.has(member)) this.#remove(member, pod.uid);
    }
    for (const member of stays) {
      this.#link(member, pod.uid);
      concerned.add(member.service.uid);
    }
    return concerned;
  }

  /** @returns the UIDs of all Services that selected the Pod */
  removePod(podUid: string): ReadonlySet<string> {
    const concerned = new Set(this.#servicesOf.get(podUid));
    for (const serviceUid of concerned) this.#members.get(serviceUid)?.podUids.delete(podUid);
    this.#servicesOf.delete(podUid);
    return concerned;
  }

  #add(service: SelectingService): Member {
    this.removeService(service.uid);
    const anchor = this.#chooseAnchor(service);
    const member: Member = { service, anchor, podUids: new Set() };
    this.#members.set(service.uid, member);
    const sharing = this.#byAnchor.get(anchor) ?? new Set();
    this.#byAnchor.set(anchor, sharing.add(member));
    return member;
  }

  /** A Service without a selector is led to by no label, and so selects nothing. */
  #chooseAnchor({ namespace, selector }: SelectingService): string {
    const anchors = Object.entries(selector).map(([key, value]) => anchorOf(namespace, key, value));
    const used = (anchor: string) => this.#byAnchor.get(anchor)?.size ?? 0;
    return anchors.reduce((best, anchor) => (best !== '' && used(best) <= used(anchor) ? best : anchor), '');
  }

  #candidates(pod: PodRecord): Member[] {
    const found: Member[] = [];
    for (const key in pod.labels) {
      const sharing = this.#byAnchor.get(anchorOf(pod.namespace, key, pod.labels[key] ?? ''));
      if (sharing) found.push(...sharing);
    }
    return found;
  }

  #decide(member: Member, pod: PodRecord): void {
    if (isSelected(member.service, pod)) this.#link(member, pod.uid);
  }

  #link(member: Member, podUid: string): void {
    member.podUids.add(podUid);
    const services = this.#servicesOf.get(podUid);
    if (services) services.add(member.service.uid);
    else this.#servicesOf.set(podUid, new Set([member.service.uid]));
  }

  #remove(member: Member, podUid: string): void {
    member.podUids.delete(podUid);
    this.#unlink(podUid, member.service.uid);
  }

  #unlink(podUid: string, serviceUid: string): void {
    const services = this.#servicesOf.get(podUid);
    services?.delete(serviceUid);
    if (services?.size === 0) this.#servicesOf.delete(podUid);
  }
}

/** Whether the selector picks the Pod. A Service without a selector picks none. */
export function isSelected(service: Pick<SelectingService, 'namespace' | 'selector'>, pod: PodRecord): boolean {
  if (service.namespace !== pod.namespace) return false;
  let isEmpty = true;
  for (const key in service.selector) {
    if (pod.labels[key] !== service.selector[key]) return false;
    isEmpty = false;
  }
  return !isEmpty;
}

function anchorOf(namespace: string, key: string, value: string): string {
  return `${namespace} ${key}=${value}`;
}

function isSameSelector(a: SelectingService['selector'], b: SelectingService['selector']): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key]);
}
