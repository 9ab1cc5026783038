import type { CreationSettings, LoadBalancerSettings } from '../cloud/load-balancer-settings.ts';
import type { Rule, RuleOwner } from '../core/rule.ts';
import type { AdoptedListener } from '../kube/load-balancer-record.ts';
import type { ForwardingSettings, ListenerSettings, Redirect } from './listener-settings.ts';
import type { Problem } from './problem.ts';

/** What a claimed Service, or Ingress, asks of CLB. */
export interface ServiceIntent {
  readonly service: RuleOwner;
  /** Being deleted, or no longer ours by its annotations: what we made for it goes. */
  readonly leaving: boolean;
  /** Our finalizer is on it, so that what is made for it is never forgotten. */
  readonly finalized: boolean;
  /** Nobody but this term's leader can take the finalizer off: only then may something be made for the Service. */
  readonly held: boolean;
  /** RFC 3339: of two objects that want the same, the earlier one has it. */
  readonly createdAt: string;
  readonly loadBalancer: LoadBalancerChoice;
  /** What a load balancer made for it shall be like, as long as it lives; what is left out stays as it is. */
  readonly settings?: LoadBalancerSettings;
  /** What was made for the Service stays when the Service goes. */
  readonly retains?: boolean;
  /** The user wants nothing of it changed in CLB, also where it leaves. */
  readonly isPaused?: boolean;
  /** It leaves because another controller takes over what it uses: that stays as it stands, targets and address too. */
  readonly handsBack?: boolean;
  /** Every load balancer that may hold listeners of the Service, as its record says. */
  readonly recorded: readonly string[];
  /** The user lets the Service use listeners that others made. */
  readonly adopts: boolean;
  /** Those that it uses, as its record says. */
  readonly adopted: readonly AdoptedListener[];
  readonly rules: readonly RuleIntent[];
  readonly problems: readonly Problem[];
}

export type LoadBalancerChoice = { readonly kind: 'existing'; readonly id: string } | CreatedChoice;

/** Made by us for this Service; internal when a subnet is given. */
export interface CreatedChoice {
  readonly kind: 'created';
  readonly subnetId: string | undefined;
  /** One that another controller made for the Service, and that is used on as long as it is there. */
  readonly inheritsId?: string;
  /** What it is made with. */
  readonly settings?: CreationSettings;
  /** What it shall be made with makes no sense: none is made until it does. */
  readonly isHeld?: boolean;
}

/** A rule before it has a place. Of settings that are left out, what CLB has stays. */
export interface RuleIntent extends Omit<Rule, 'place' | 'refusal'> {
  /** Of the listener, which on layer 7 may be shared: then the oldest object that sets one has its way. */
  readonly listenerSettings?: ListenerSettings;
  /** On layer 7. */
  readonly forwardingSettings?: ForwardingSettings;
  /** On layer 7, on HTTP. */
  readonly redirect?: Redirect;
  /**
   * Why it cannot be made as it is asked for, or not yet; where it stands already it stays, and what is not told is left
   * alone.
   */
  readonly notToMake?: Problem | 'pending';
}

export type Claim =
  | { readonly kind: 'claimed'; readonly intent: ServiceIntent }
  /** Not ours to touch. */
  | { readonly kind: 'unclaimed' }
  /** Meant for us, and not usable as it is. */
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/** Of two objects that want the same, the earlier one comes first; every leader sorts them alike. */
export function byAge(a: ServiceIntent, b: ServiceIntent): number {
  return compare(a.createdAt, b.createdAt) || compare(serviceName(a.service), serviceName(b.service));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `namespace/name`, as people write it. */
export function serviceName({ namespace, name }: ServiceIntent['service']): string {
  return `${namespace}/${name}`;
}
