import type { InstanceNames } from '../../common/instance-names.ts';
import type { Knowledge, KnowledgeChange } from '../knowledge.ts';
import { type Claimed, Claims, selectionOf, type TkeControllers } from '../leader/claims.ts';
import { ingressKey } from '../leader/object-key.ts';

export interface ClaimedSelectionsOptions {
  readonly names: InstanceNames;
  readonly knowledge: Pick<Knowledge, 'services' | 'ingresses' | 'tkeServiceConfigs'>;
  readonly tkeController: TkeControllers;
}

/** A Service or Ingress that is ours to serve, as far as its Pods go. */
interface ClaimedSelection {
  readonly selectors: readonly Readonly<Record<string, string>>[];
  /** Ids of the load balancers that it has or names. */
  readonly loadBalancerIds: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/**
 * What is ours to serve and which Pods it selects, from what any replica knows: also one that does not lead. Told of every
 * change, so that a question costs no more than a look at what is claimed in one namespace.
 */
export class ClaimedSelections {
  readonly #options: ClaimedSelectionsOptions;
  readonly #claims: Claims;
  /** By namespace and object. */
  readonly #selections = new Map<string, Map<string, ClaimedSelection>>();

  constructor(options: ClaimedSelectionsOptions) {
    this.#options = options;
    // Neither certificates nor the held state of a term change which Pods are selected.
    this.#claims = new Claims({ ...options, held: { has: () => false }, certificates: { of: () => undefined } });
  }

  follow(change: KnowledgeChange): void {
    if (change.kind === 'service') this.#serviceChanged(change.key);
    else if (change.kind === 'ingress') this.#refresh(ingressKey(change.key));
  }

  /** TKE's own controllers came or went: what is ours may be otherwise. */
  refreshAll(): void {
    const { services, ingresses } = this.#options.knowledge;
    for (const key of services.keys()) this.#refresh(key);
    for (const key of ingresses.keys()) this.#refresh(ingressKey(key));
  }

  isSelected(namespace: string, labels: Labels): boolean {
    return this.#selecting(namespace, labels).length > 0;
  }

  /** Ids of the load balancers that are to serve the Pod, as far as they are known. */
  loadBalancersOf(namespace: string, labels: Labels): ReadonlySet<string> {
    return new Set(this.#selecting(namespace, labels).flatMap(({ loadBalancerIds }) => loadBalancerIds));
  }

  #selecting(namespace: string, labels: Labels): ClaimedSelection[] {
    const claimed = [...(this.#selections.get(namespace)?.values() ?? [])];
    return claimed.filter(({ selectors }) => selectors.some(selector => selects(selector, labels)));
  }

  #serviceChanged(key: string): void {
    const [namespace = '', name = ''] = key.split('/');
    this.#refresh(key);
    for (const user of this.#claims.usersOf('Service', { namespace, name })) this.#refresh(user);
  }

  #refresh(key: string): void {
    const { before, after } = this.#claims.refresh(key);
    const namespace = (after ?? before)?.service.namespace;
    if (namespace === undefined) return;
    const selections = this.#selections.get(namespace) ?? new Map<string, ClaimedSelection>();
    if (after && !after.intent.leaving) selections.set(key, claimedSelection(after));
    else selections.delete(key);
    if (selections.size > 0) this.#selections.set(namespace, selections);
    else this.#selections.delete(namespace);
  }
}

function claimedSelection(claimed: Claimed): ClaimedSelection {
  const { loadBalancerId, recorded } = claimed.service;
  const { loadBalancer } = claimed.intent;
  const ids = [...recorded, loadBalancerId, loadBalancer.kind === 'existing' ? loadBalancer.id : undefined];
  return {
    selectors: selectionOf(claimed).selectors,
    loadBalancerIds: [...new Set(ids.filter(id => id !== undefined))],
  };
}

/** Those without any label are left out of what is claimed. */
function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
