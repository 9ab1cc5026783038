import type { HealthCheckSettings, Listener, LoadBalancer } from '../cloud/types.ts';
import type { ListenerWork } from './listener-work.ts';
import type { Placement } from './placements.ts';
import type { Problem } from './problem.ts';
import type { RuleIntent, ServiceIntent } from './service-intent.ts';

/** A Service and what it has to do with this load balancer. */
export interface Tenant extends Pick<Placement, 'role' | 'mayMake' | 'denial'> {
  readonly intent: ServiceIntent;
}

export interface ListenerPlanInput {
  readonly loadBalancer: Pick<LoadBalancer, 'id' | 'tags'>;
  /** Every Service that has a placement here. */
  readonly tenants: readonly Tenant[];
  /**
   * The placements of all claimed Services are known, so that what no tenant wants is wanted by nobody. Until then no
   * forwarding rule goes.
   */
  readonly isComplete: boolean;
  /** False while this replica may not read Ingresses: what nobody is known to want may be theirs, and stays. */
  readonly areIngressesKnown: boolean;
  readonly listeners: readonly Listener[];
  /** Short hash of the cluster and the instance, as it stands in names. */
  readonly cluster: string;
  /** As people write it in the tag that allows. */
  readonly clusterName: string;
  readonly healthCheck: HealthCheckSettings | undefined;
  /** Namespaces of the Pods that we have bound, or are binding, at the listener, or at one of its forwarding rules. */
  readonly namespacesBoundAt: (listenerId: string, locationId?: string) => ReadonlySet<string>;
  /** Whether there may be something of the Service that `listeners` lacks. */
  readonly mayHide: (serviceUid: string) => boolean;
}

/** Where a rule stands on this load balancer. */
export interface RuleLocation {
  readonly listenerId: string;
  /** Empty on layer 4. */
  readonly locationId: string;
  /** The listener is somebody else's. */
  readonly isAdopted: boolean;
}

/** A listener of others as it stands in a Service's record. */
export interface Adoption {
  readonly serviceUid: string;
  readonly listenerId: string;
}

export interface ListenerPlan {
  readonly work: readonly ListenerWork[];
  /** Which listener and forwarding rule stand for which rule, by rule id. */
  readonly places: ReadonlyMap<string, RuleLocation>;
  /** Rules that cannot have their place, by rule id: somebody else has the port, or the Service may not use it. */
  readonly refused: ReadonlyMap<string, Problem>;
  /** What of each Service that is retiring is still here, by Service UID: it has left when it has nothing. */
  readonly remaining: ReadonlyMap<string, number>;
  /** Some Service that is retiring has nothing here that is known, and waits for lists that prove it. */
  readonly awaitsAbsence: boolean;
  /** To be written into the Service's record: only then they are used. */
  readonly adopting: readonly Adoption[];
  /**
   * Listeners and forwarding rules that were let go, and that have targets of ours: those have to leave first. One of ours
   * goes when they have, an adopted one stays.
   */
  readonly departing: readonly DepartingRule[];
  /** Adopted listeners on which nothing of ours is left: to be taken out of the Service's record. */
  readonly left: readonly Adoption[];
  /** Rules that wait for a missing shared listener, by its key in `ListenerWork.ruleIds`. */
  readonly waiting: ReadonlyMap<string, readonly string[]>;
}

/** Selects no Pod. */
export interface DepartingRule {
  readonly rule: RuleIntent & { readonly isDeparting: true };
  readonly place: RuleLocation;
}
