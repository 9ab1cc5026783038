import type { PodRecord } from '../../common/pod-record.ts';
import { type BindingPlace, bindingKey } from './binding-key.ts';
import type { ClusterView, PodView } from './cluster-view.ts';
import { type Disposition, dispositionOf } from './disposition.ts';
import { isAnyMark, type Mark, parseMark } from './mark.ts';
import type {
  ObservedBinding,
  ObservedHealth,
  PlaceObservation,
  Transaction,
  TransactionTable,
} from './observation.ts';
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
  /** The code with which CLB refuses this target: it is left alone. */
  readonly refusal?: string | undefined;
}

export interface BoundTarget {
  readonly weight: number;
  /** Undefined when the binding carries no mark of ours (law L6). */
  readonly mark: Mark | undefined;
  /** It carries the mark of another cluster or instance: nobody here may touch it, not even by adoption. */
  readonly hasOthersMark?: boolean;
  readonly health: ObservedHealth['health'] | undefined;
  /** The Pod that the mark names, if an agent vouches for it. */
  readonly owner: PodView | undefined;
}

/** Everything known about one rule, put side by side. Keys are in a fixed order, so plans are reproducible. */
export interface RuleState {
  readonly rule: PlacedRule;
  readonly targets: readonly RuleTarget[];
  /** Pods that get a target of their own as soon as they have an address. */
  readonly awaited: readonly PodView[];
  /** Nothing stands on a node that stays: what stands where a node's end is announced goes on serving (law L2). */
  readonly keepsLeavingNodes?: boolean;
}

export interface RuleStateInput {
  /** The Pods that the rule selects. */
  readonly selected: readonly PodView[];
  readonly pods: ClusterView['pods'];
  readonly cluster: string;
  /** What CLB said of the rule's place; undefined when nothing is bound there. */
  readonly observed: PlaceObservation | undefined;
  readonly transactions: TransactionTable;
  /** Targets that CLB refuses, by binding key, with our code. */
  readonly quarantined: ReadonlyMap<string, string>;
}

type Standing = Required<Pick<RuleState, 'keepsLeavingNodes'>>;

export function ruleState(
  rule: PlacedRule,
  input: RuleStateInput,
  standing: Standing = { keepsLeavingNodes: false },
): RuleState {
  const wanted = wantedTargets(rule, input.selected, standing);
  const keys = [...wanted.keys()];
  for (const key of input.observed?.bindings.keys() ?? []) if (!wanted.has(key)) keys.push(key);
  const targets = keys.sort().map(key => ruleTarget(key, wanted, input));
  return { rule, targets, awaited: input.selected.filter(pod => isAwaited(rule, pod)), ...standing };
}

interface Claim {
  readonly pod: PodView;
  readonly disposition: Disposition;
}

interface WantedTarget {
  readonly place: BindingPlace;
  readonly claims: Claim[];
}

function ruleTarget(key: string, wanted: ReadonlyMap<string, WantedTarget>, input: RuleStateInput): RuleTarget {
  const binding = input.observed?.bindings.get(key);
  const claim = wanted.get(key);
  const place = binding ?? claim?.place;
  if (!place) throw new Error(`target ${key} is neither bound nor wanted`);
  return {
    key,
    place,
    bound: binding && boundTarget(key, binding, input),
    wanted: claim && soleOwner(claim.claims),
    transaction: input.transactions.get(key),
    refusal: input.quarantined.get(key),
  };
}

function boundTarget(key: string, binding: ObservedBinding, input: RuleStateInput): BoundTarget {
  const mark = parseMark(binding.tag, input.cluster);
  return {
    weight: binding.weight,
    mark,
    hasOthersMark: !mark && isAnyMark(binding.tag),
    health: input.observed?.health.get(key)?.health,
    owner: mark && input.pods.get(mark.podUid),
  };
}

/**
 * Of several Pods with one address, those on their way out have lost it. Between living ones only the API server's word
 * counts (law L12); without it nobody has proof.
 */
function soleOwner(claims: readonly Claim[]): Claim | undefined {
  if (claims.length <= 1) return claims[0];
  const living = claims.filter(claim => claim.disposition.kind === 'serve' || claim.disposition.kind === 'standby');
  if (living.length === 1) return living[0];
  const confirmed = living.filter(claim => claim.pod.confirmed);
  return confirmed.length === 1 ? confirmed[0] : undefined;
}

function wantedTargets(rule: PlacedRule, selected: readonly PodView[], standing: Standing): Map<string, WantedTarget> {
  const wanted = new Map<string, WantedTarget>();
  for (const pod of selected) {
    const place = placeOf(rule, pod);
    if (!place) continue;
    const key = bindingKey(place);
    const claim = { pod, disposition: dispositionOf(pod, rule, standing) };
    const known = wanted.get(key);
    if (known) known.claims.push(claim);
    else wanted.set(key, { place, claims: [claim] });
  }
  return wanted;
}

/**
 * Where the rule would bind the Pod; undefined when it does not select it, or the Pod has no address or port for it, or
 * CLB cannot reach it: a Pod needs an ENI of its own, one in the host's network a node that is known as an instance.
 */
export function placeOf(rule: PlacedRule, pod: PodView): BindingPlace | undefined {
  const { record, instanceId } = pod;
  if (!selects(rule, record)) return undefined;
  if (record.hostNetwork ? instanceId === undefined : !record.eni?.attached) return undefined;
  const address = addressFor(rule, record);
  const port = targetPortOf(rule, record);
  if (address === undefined || port === undefined) return undefined;
  const { listenerId, locationId } = rule.place;
  const place = { listenerId, locationId, address, port };
  return record.hostNetwork && instanceId !== undefined ? { ...place, instanceId } : place;
}

function isAwaited(rule: PlacedRule, { record }: PodView): boolean {
  return record.addresses.length === 0 && !record.hostNetwork && record.eni?.attached === true && selects(rule, record);
}

/** The Pod's address of the family that the rule binds. */
export function addressFor(rule: Pick<Rule, 'addressFamily'>, pod: PodRecord): string | undefined {
  const isWanted = rule.addressFamily === 'IPv6' ? isIpv6 : (address: string) => !isIpv6(address);
  return pod.addresses.find(isWanted);
}

function isIpv6(address: string): boolean {
  return address.includes(':');
}
