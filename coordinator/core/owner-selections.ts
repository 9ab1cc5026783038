import type { PodRecord } from '../../common/pod-record.ts';
import { type SelectingService, SelectorIndex } from './selector-index.ts';

/** Whatever selects Pods: a Service has one selector, an Ingress those of its backend Services. */
export interface SelectingOwner {
  readonly uid: string;
  readonly namespace: string;
  /** Each once, in an order that does not change. */
  readonly selectors: readonly Readonly<Record<string, string>>[];
}

/** Between an owner's UID and the number of one of its further selectors. */
const SEPARATOR = '#';

/** Which owners select which Pods, whatever number of selectors they have. */
export class OwnerSelections {
  readonly #index = new SelectorIndex();
  /** Of owners that do not have just one, by owner. */
  readonly #many = new Map<string, readonly SelectingService[]>();

  /** The UIDs of the Pods that any of the owner's selectors picks. */
  podsOf(ownerUid: string): ReadonlySet<string> {
    const selections = this.#many.get(ownerUid);
    if (!selections) return this.#index.podsOf(ownerUid);
    return new Set(selections.flatMap(({ uid }) => [...this.#index.podsOf(uid)]));
  }

  /** Undefined when the owner is not known with this selector. */
  podsSelectedBy({ uid, namespace, selector }: SelectingService): ReadonlySet<string> | undefined {
    const selections = this.#many.get(uid) ?? [{ uid, namespace, selector }];
    const found = selections.find(each => this.#index.knows({ uid: each.uid, namespace, selector }));
    return found && this.#index.podsOf(found.uid);
  }

  /** The UIDs of the owners that select the Pod. */
  ownersOf(podUid: string): ReadonlySet<string> {
    return this.#owners(this.#index.servicesOf(podUid));
  }

  /** Owners that are new or have other selectors; `pods` is asked at most once for all of them. */
  setOwners(owners: readonly SelectingOwner[], pods: Iterable<PodRecord>): void {
    const selections = owners.flatMap(owner => this.#selectionsOf(owner));
    this.#index.setServices(selections, pods);
  }

  removeOwner(ownerUid: string): void {
    for (const { uid } of this.#many.get(ownerUid) ?? []) this.#index.removeService(uid);
    this.#many.delete(ownerUid);
    this.#index.removeService(ownerUid);
  }

  /** @returns the UIDs of all owners that select the Pod now or did before */
  setPod(pod: PodRecord): ReadonlySet<string> {
    return this.#owners(this.#index.setPod(pod));
  }

  /** @returns the UIDs of all owners that selected the Pod */
  removePod(podUid: string): ReadonlySet<string> {
    return this.#owners(this.#index.removePod(podUid));
  }

  #selectionsOf({ uid, namespace, selectors }: SelectingOwner): readonly SelectingService[] {
    const selections = selectors.map((selector, index) => ({
      uid: index === 0 ? uid : `${uid}${SEPARATOR}${index}`,
      namespace,
      selector,
    }));
    const stale = (this.#many.get(uid) ?? [{ uid }]).slice(selections.length);
    for (const each of stale) this.#index.removeService(each.uid);
    if (selections.length === 1) this.#many.delete(uid);
    else this.#many.set(uid, selections);
    return selections;
  }

  #owners(selectionUids: ReadonlySet<string>): ReadonlySet<string> {
    if (this.#many.size === 0) return selectionUids;
    return new Set([...selectionUids].map(uid => uid.split(SEPARATOR, 1)[0] ?? uid));
  }
}
