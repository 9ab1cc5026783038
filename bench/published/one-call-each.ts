import { LOOK_UPS_FOR_EXISTING_RULE } from './calibration.ts';
import { createRule, insistOnTask, lookUp } from './patient-calls.ts';
import { type RulePlace, type Site, TARGET_PORT, TARGET_WEIGHT, targetAddress } from './site.ts';

/** One call for each target and rule, each task waited for, one rule after another: the first published column. */
export async function oneCallEach(site: Site): Promise<void> {
  const { existingTargets, createdRules } = site.workload;
  for (const place of site.existing) {
    for (let count = 0; count < LOOK_UPS_FOR_EXISTING_RULE; count += 1) await lookUp(site);
    await register(site, place, existingTargets);
  }
  for (let count = 0; count < createdRules; count += 1) {
    await register(site, await createRule(site, site.existing.length + count), 0);
  }
}

/** All targets from number `first` on. */
async function register(site: Site, { listenerId, locationId }: RulePlace, first: number): Promise<void> {
  for (let target = first; target < site.workload.targets; target += 1) {
    await insistOnTask(site, 'RegisterTargets', {
      LoadBalancerId: site.loadBalancerId,
      ListenerId: listenerId,
      LocationId: locationId,
      Targets: [{ EniIp: targetAddress(target), Port: TARGET_PORT, Weight: TARGET_WEIGHT }],
    });
  }
}
