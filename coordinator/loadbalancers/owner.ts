import type { RuleOwner } from '../core/rule.ts';

/** `Ingress default/web`, as people write it. */
export function ownerName({
  kind = 'Service',
  namespace,
  name,
}: Pick<RuleOwner, 'kind' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace}/${name}`;
}
