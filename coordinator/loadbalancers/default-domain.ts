import type { ForwardingRule, Listener } from '../cloud/types.ts';
import type { ListenerWork } from './listener-work.ts';

export interface RuleRemoval {
  /** Rules that can go now. */
  readonly removable: readonly ForwardingRule[];
  /** What has to be done before the others can go. */
  readonly before: readonly ListenerWork[];
}

/**
 * CLB keeps a default domain as long as a listener has rules, and refuses to delete its last one: another domain has to
 * become it first.
 * @param preferred the domain that the user wants to be it, if that stays
 */
export function ruleRemoval(
  listener: Listener,
  unwanted: readonly ForwardingRule[],
  preferred: string | undefined,
): RuleRemoval {
  const staying = listener.forwardingRules.filter(rule => !unwanted.includes(rule));
  const current = listener.forwardingRules.find(({ settings }) => settings?.isDefaultDomain)?.domain;
  const domains = staying.map(({ domain }) => domain);
  const [next] = domains.filter(domain => domain === preferred).concat(domains);
  if (current === undefined || next === undefined || domains.includes(current)) {
    return { removable: unwanted, before: [] };
  }
  const change = {
    kind: 'domain',
    listenerId: listener.id,
    domain: next,
    settings: { isDefaultDomain: true },
  } as const;
  return {
    removable: unwanted.filter(({ domain }) => domain !== current),
    before: [{ kind: 'change-settings', change, ruleIds: [] }],
  };
}
