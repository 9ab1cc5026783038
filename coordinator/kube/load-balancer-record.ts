import type { InstanceNames } from '../../common/instance-names.ts';

/** Somebody else's listener that a Service uses. */
export interface AdoptedListener {
  readonly loadBalancerId: string;
  readonly listenerId: string;
}

/** What stands in the record of one Service, or is to be added to it or taken out of it. */
export interface RecordEntries {
  readonly loadBalancers: readonly string[];
  readonly adoptedListeners: readonly AdoptedListener[];
}

export const NO_ENTRIES: RecordEntries = { loadBalancers: [], adoptedListeners: [] };

/** A Service leaves one load balancer in minutes: more of them is no record of ours. */
const ENTRIES_MAX = 50;

type Annotations = Readonly<Record<string, string>>;
/** Which annotations hold the record. */
type RecordNames = Pick<InstanceNames, 'loadBalancersAnnotation' | 'adoptedListenersAnnotation'>;

/** The load balancers in the record, each once. What is no entry of ours is passed over. */
export function recordedLoadBalancers(
  annotations: Annotations,
  { loadBalancersAnnotation }: RecordNames,
): readonly string[] {
  return entries(annotations[loadBalancersAnnotation]).filter(entry => !entry.includes('/'));
}

/** The adopted listeners in the record, each once. What is no entry of ours is passed over. */
export function adoptedListeners(
  annotations: Annotations,
  { adoptedListenersAnnotation }: RecordNames,
): readonly AdoptedListener[] {
  return entries(annotations[adoptedListenersAnnotation]).flatMap(entry => parseAdopted(entry) ?? []);
}

function parseAdopted(entry: string): AdoptedListener | undefined {
  const [loadBalancerId, listenerId, ...rest] = entry.split('/');
  return loadBalancerId && listenerId && rest.length === 0 ? { loadBalancerId, listenerId } : undefined;
}

/** The annotations' values as they have to be written; null takes one off. */
export function recordAnnotations(record: RecordEntries, names: RecordNames): Readonly<Record<string, string | null>> {
  return {
    [names.loadBalancersAnnotation]: record.loadBalancers.join(',') || null,
    [names.adoptedListenersAnnotation]: record.adoptedListeners.map(adoptedKey).join(',') || null,
  };
}

/** The record with some entries more and some less; what is both stays. */
export function changedRecord(record: RecordEntries, add: RecordEntries, drop: RecordEntries): RecordEntries {
  return {
    loadBalancers: changed(record.loadBalancers, add.loadBalancers, drop.loadBalancers),
    adoptedListeners: changed(
      record.adoptedListeners.map(adoptedKey),
      add.adoptedListeners.map(adoptedKey),
      drop.adoptedListeners.map(adoptedKey),
    ).flatMap(key => parseAdopted(key) ?? []),
  };
}

function changed(present: readonly string[], add: readonly string[], drop: readonly string[]): string[] {
  return [...new Set([...present.filter(entry => !drop.includes(entry)), ...add])];
}

/** `lb-a/lbl-x` */
function adoptedKey({ loadBalancerId, listenerId }: AdoptedListener): string {
  return `${loadBalancerId}/${listenerId}`;
}

function entries(value: string | undefined): readonly string[] {
  const all = (value ?? '').split(',').map(entry => entry.trim());
  return [...new Set(all.filter(entry => entry !== ''))].slice(0, ENTRIES_MAX);
}
