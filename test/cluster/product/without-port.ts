import type { LoadBalancers } from './load-balancers.ts';

type LoadBalancerView = Pick<LoadBalancers, 'journal' | 'control'>;

/** What happens to targets, as if Pods had none on a port. */
export function withoutPort({ journal, control }: LoadBalancerView, targetPort: number): LoadBalancerView {
  const isHidden = (change: object) => 'port' in change && change.port === targetPort;
  return {
    control,
    journal: () =>
      journal().map(record => {
        if (record.kind === 'change') return { ...record, changes: record.changes.filter(each => !isHidden(each)) };
        if (record.kind === 'forwarded') return { ...record, targets: record.targets.filter(each => !isHidden(each)) };
        return record;
      }),
  };
}
