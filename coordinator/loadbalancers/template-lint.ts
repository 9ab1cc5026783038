import type { HealthCheckSettings } from '../cloud/settings.ts';
import type { Listener } from '../cloud/types.ts';
import type { Rule, RulePlace } from '../core/rule.ts';
import type { PodProfile } from '../kube/pod-profile.ts';
import { shortGrace } from './grace-lint.ts';
import { lintHealthCheck } from './health-check-lint.ts';
import type { Problem } from './problem.ts';
import type { ServiceIntent } from './service-intent.ts';

/** One template of Pods that a rule selects. */
export interface TemplateUse {
  readonly rule: Rule;
  /** Of the place of the rule; undefined as long as CLB has not told it. */
  readonly check: HealthCheckSettings | undefined;
  readonly profile: PodProfile;
}

/** So many are told of one object at a time: the same mistake is often in all of its rules. */
const PROBLEMS_MAX = 5;

/** What of the Pods' templates does not go with each other, or with what CLB has, each thing once. */
export function lintTemplates(service: ServiceIntent['service'], uses: readonly TemplateUse[]): readonly Problem[] {
  const found = new Map<string, Problem>();
  const add = (problem: Problem | undefined) => problem && found.set(problem.message, problem);
  for (const { rule, check, profile } of uses) {
    add(shortGrace(service, profile));
    if (check) for (const problem of lintHealthCheck({ rule, check, profile })) add(problem);
  }
  return [...found.values()].slice(0, PROBLEMS_MAX);
}

/** On layer 4 it is the listener that is checked, on layer 7 the forwarding rule. */
export function healthCheckAt(place: RulePlace, listeners: readonly Listener[]): HealthCheckSettings | undefined {
  const listener = listeners.find(({ id }) => id === place.listenerId);
  const rule = listener?.forwardingRules.find(({ locationId }) => locationId === place.locationId);
  return (place.locationId === '' ? listener : rule)?.settings?.healthCheck;
}
