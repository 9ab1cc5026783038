import type { Tenant } from '../loadbalancers/listener-plan-types.ts';
import type { Placement } from '../loadbalancers/placements.ts';
import type { ServiceIntent } from '../loadbalancers/service-intent.ts';

const NOBODY: ReadonlyMap<string, Tenant> = new Map();

/** Which Services stand on which load balancers. */
export class Tenancies {
  readonly #byLoadBalancer = new Map<string, Map<string, Tenant>>();
  readonly #byService = new Map<string, readonly Placement[]>();

  /** By Service UID. */
  tenantsOf(loadBalancerId: string): ReadonlyMap<string, Tenant> {
    return this.#byLoadBalancer.get(loadBalancerId) ?? NOBODY;
  }

  placementsOf(serviceUid: string): readonly Placement[] {
    return this.#byService.get(serviceUid) ?? [];
  }

  /** @returns the load balancers on which the Service stands now or did before */
  set(intent: ServiceIntent, placements: readonly Placement[]): ReadonlySet<string> {
    const { uid } = intent.service;
    const concerned = this.remove(uid);
    for (const { loadBalancer, role, mayMake, denial } of placements) {
      const tenants = this.#byLoadBalancer.get(loadBalancer.id) ?? new Map<string, Tenant>();
      this.#byLoadBalancer.set(loadBalancer.id, tenants.set(uid, { intent, role, mayMake, denial }));
      concerned.add(loadBalancer.id);
    }
    if (placements.length > 0) this.#byService.set(uid, placements);
    return concerned;
  }

  /** @returns the load balancers on which the Service stood */
  remove(serviceUid: string): Set<string> {
    const concerned = new Set(this.placementsOf(serviceUid).map(({ loadBalancer }) => loadBalancer.id));
    for (const id of concerned) {
      const tenants = this.#byLoadBalancer.get(id);
      tenants?.delete(serviceUid);
      if (tenants?.size === 0) this.#byLoadBalancer.delete(id);
    }
    this.#byService.delete(serviceUid);
    return concerned;
  }
}
