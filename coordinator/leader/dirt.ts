/** What has to be looked at again, each thing once however often it changed. */
export class Dirt {
  /** Services and Ingresses, by `objectKey`. */
  readonly services = new Set<string>();
  readonly podUids = new Set<string>();
  /** Pods that leave: looked at before all others. */
  readonly leavingPodUids = new Set<string>();
  /** UIDs of claimed Services whose load balancers may be others. */
  readonly placements = new Set<string>();
  /** Load balancers whose lanes may have to want something else. */
  readonly loadBalancers = new Set<string>();
  /** Load balancers of which something was read. */
  readonly observed = new Set<string>();
  /** Pods whose gates may have to say something else. */
  readonly gates = new Set<string>();
  /** Pods of whose hooks CLB may be further. */
  readonly drains = new Set<string>();
  /** Nodes whose end may be announced otherwise. */
  readonly nodes = new Set<string>();
  /** UIDs of Services whose Pods may have other ports. */
  readonly ports = new Set<string>();
}

/** Empties the set and hands out what was in it. */
export function take<T>(dirty: Set<T>): readonly T[] {
  if (dirty.size === 0) return [];
  const taken = [...dirty];
  dirty.clear();
  return taken;
}

/** Takes at most so many out, in the order in which they came. */
export function takeSome<T>(dirty: Set<T>, countMax: number): readonly T[] {
  if (dirty.size <= countMax) return take(dirty);
  const taken: T[] = [];
  for (const item of dirty) {
    if (taken.length >= countMax) break;
    dirty.delete(item);
    taken.push(item);
  }
  return taken;
}

export function addAll<T>(dirty: Set<T>, items: Iterable<T>): void {
  for (const item of items) dirty.add(item);
}
