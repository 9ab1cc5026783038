import { isDeepStrictEqual } from 'node:util';
import type { LoadBalancerChange, LoadBalancerSettings } from '../cloud/load-balancer-settings.ts';
import type { LoadBalancer } from '../cloud/types.ts';
import type { Tenant } from './listener-plan-types.ts';
import { isMadeFor } from './ownership-tags.ts';
import { keptName } from './released-name.ts';

/**
 * What has to change about the load balancer so that it is as the Service wants it for which it was made; those that
 * others made are never changed (law L6). What the Service does not name stays as it is.
 */
export function settingsChanges(
  loadBalancer: LoadBalancer,
  tenants: Iterable<Tenant>,
  cluster: string,
): readonly LoadBalancerChange[] {
  for (const { intent, role } of tenants) {
    if (role !== 'wanted' || intent.isPaused || intent.loadBalancer.kind !== 'created') continue;
    if (isMadeFor(loadBalancer, cluster, intent.service.uid)) return changesTo(loadBalancer, intent.settings ?? {});
  }
  return [];
}

function changesTo(loadBalancer: LoadBalancer, wanted: LoadBalancerSettings): readonly LoadBalancerChange[] {
  const { settings: present } = loadBalancer;
  if (!present) return [];
  const { securityGroups, ...attributes } = wanted;
  const different = Object.entries(attributes).filter(
    ([key, value]) => present[key as keyof typeof attributes] !== value,
  );
  // One that an earlier installation has given up is kept up with its Pods again.
  const name = keptName(loadBalancer.name);
  const settings = { ...Object.fromEntries(different), ...(name !== undefined && { name }) };
  const changes: LoadBalancerChange[] = [];
  if (securityGroups && !isDeepStrictEqual(new Set(securityGroups), new Set(present.securityGroups))) {
    changes.push({ kind: 'security-groups', ids: securityGroups });
  }
  if (Object.keys(settings).length > 0) changes.push({ kind: 'attributes', settings });
  return changes;
}
