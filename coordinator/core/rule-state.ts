import { type BindingPlace, bindingKey } from './binding-key.ts';
import type { ClusterView, PodView } from './cluster-view.ts';
import { type Disposition, dispositionOf } from './disposition.ts';
import { type Mark, parseMark } from './mark.ts';
import type { ObservedBinding, ObservedHealth, Transaction, TransactionTable } from './observation.ts';
import { type Rule, type RulePlace, selects, targetPortOf } from './rule.ts';

/** A rule that has its place on a load balancer. */
export type PlacedRule = Rule & { readonly place: RulePlace };

/** One place on a rule: what is bound there, who wants it, what is on its way. */
export interface RuleTarget {
  readonly key: string;
  readonly place: BindingPlace;
  readonly bound: BoundTarget | undefined;
  /** The selected Pod that has this address and port. When two claim it, none is wanted until one of them is gone. */
  readonly wanted: { readonly pod: PodView; readonly disposition: Disposition } | undefined;
  readonly transaction: Transaction | undefined;
}

export interface BoundTarget {
  readonly weight: number;
  /** Undefined when the binding carries no mark of ours (law L6). */
  readonly mark: Mark | undefined;
  readonly health: ObservedHealth['health'] | undefined;
  /** The Pod that the mark names, if an agent vouches for it. */
  readonly owner: PodView | undefined;
}

/** Everything known about one rule, put side by side. Keys are in a fixed order, so plans are reproducible. */
export interface RuleState {
  readonly rule: PlacedRule;
  readonly targets: readonly RuleTarget[];
}

export interface RuleStateInput {
  readonly view: ClusterView;
  readonly cluster: string;
  /** Bindings of this rule's listener, by key. */
  readonly bindings: ReadonlyMap<string, ObservedBinding>;
  readonly health: ReadonlyMap<string, ObservedHealth>;
  readonly transactions: TransactionTable;
}

export function ruleState(rule: PlacedRule, input: RuleStateInput): RuleState {
  const wanted = wantedTargets(rule, input.view);
  const keys = new Set([...wanted.keys(), ...input.bindings.keys()]);
  const targets = [...keys].sort().map(key => ruleTarget(key, wanted, input));
  return { rule, targets };
}

interface WantedTarget {
  readonly place: BindingPlace;
  readonly claims: readonly { readonly pod: PodView; readonly disposition: Disposition }[];
}

function ruleTarget(key: string, wanted: ReadonlyMap<string, WantedTarget>, input: RuleStateInput): RuleTarget {
  const binding = input.bindings.get(key);
  const claim = wanted.get(key);
  const place = binding ?? claim?.place;
  if (!place) throw new Error(`target ${key} is neither bound nor wanted`);
  return {
    key,
    place,
    bound: binding && boundTarget(key, binding, input),
    wanted: claim && soleOwner(claim.claims),
    transaction: input.transactions.get(key),
  };
}

function boundTarget(key: string, binding: ObservedBinding, input: RuleStateInput): BoundTarget {
  const mark = parseMark(binding.tag, input.cluster);
  return {
    weight: binding.weight,
    mark,
    health: input.health.get(key)?.health,
    owner: mark && input.view.pods.get(mark.podUid),
  };
}

/**
 * Of several Pods with one address, those on their way out have lost it. Between living ones only the API server's word
 * counts (law L12); without it nobody has proof.
 */
function soleOwner(claims: WantedTarget['claims']): WantedTarget['claims'][number] | undefined {
  if (claims.length <= 1) return claims[0];
  const living = claims.filter(claim => claim.disposition.kind === 'serve' || claim.disposition.kind === 'standby');
  if (living.length === 1) return living[0];
  const confirmed = living.filter(claim => claim.pod.confirmed);
  return confirmed.length === 1 ? confirmed[0] : undefined;
}

function wantedTargets(rule: PlacedRule, view: ClusterView): Map<string, WantedTarget> {
  const wanted = new Map<string, WantedTarget>();
  for (const pod of view.podsSelectedBy(rule)) {
    const place = placeOf(rule, pod);
    if (!place) continue;
    const key = bindingKey(place);
    const claims = [...(wanted.get(key)?.claims ?? []), { pod, disposition: dispositionOf(pod, rule) }];
    wanted.set(key, { place, claims });
  }
  return wanted;
}

/** Where the rule would bind the Pod; undefined when it does not select it or the Pod has no address or port for it. */
export function placeOf(rule: PlacedRule, pod: PodView): BindingPlace | undefined {
  const { record } = pod;
  if (!selects(rule, record) || !record.eni?.attached || record.hostNetwork) return undefined;
  const address = record.addresses.find(isIpv4);
  const port = targetPortOf(rule, record);
  if (address === undefined || port === undefined) return undefined;
  return { listenerId: rule.place.listenerId, locationId: rule.place.locationId, address, port };
}

function isIpv4(address: string): boolean {
  return !address.includes(':');
}
