import { createRule, insist, lookUp } from './patient-calls.ts';
import { batchTarget, type RulePlace, type Site } from './site.ts';

/** One batch call for each rule, and before it one look-up for each of its targets: the second published column. */
export async function batchWithLookUps(site: Site): Promise<void> {
  const { existingTargets, createdRules } = site.workload;
  for (const place of site.existing) await register(site, place, existingTargets);
  for (let count = 0; count < createdRules; count += 1) {
    await register(site, await createRule(site, site.existing.length + count), 0);
  }
}

/** All targets from number `first` on. */
async function register(site: Site, place: RulePlace, first: number): Promise<void> {
  const { loadBalancerId, workload } = site;
  const numbers = Array.from({ length: workload.targets - first }, (_, index) => first + index);
  if (numbers.length === 0) return;
  for (const _ of numbers) await lookUp(site);
  const Targets = numbers.map(target => batchTarget(place, target));
  await insist(site, 'BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets });
}
