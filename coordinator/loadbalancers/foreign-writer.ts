import type { Difference } from '../lanes/differences.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';
import type { ServiceIntent } from './service-intent.ts';

/** Somebody else changed targets on the Service's listeners. @param differences at least one */
export function foreignWriter(
  service: ServiceIntent['service'],
  loadBalancerId: string,
  differences: readonly Difference[],
): Problem {
  const [first] = differences;
  const others = differences.length - 1;
  const more = others > 0 ? ` (and ${others} more)` : '';
  return problem(
    'CD3002',
    `${ownerName(service)}: ${first ? what(first) : 'a target changed'}${more} on ${loadBalancerId}, and ` +
      'clb-direct did not do it. What is ours is put back, what is not is left alone. Find who else writes to the load ' +
      'balancer: the CLB operation log names the account.',
  );
}

function what({ kind, place }: Difference): string {
  const target = `target ${place.address}:${place.port} of listener ${place.listenerId}`;
  switch (kind) {
    case 'missing':
      return `${target} was removed`;
    case 'weight':
      return `the weight of ${target} was changed`;
    case 'extra':
      return `${target} was added with our mark`;
    case 'foreign':
      return `${target} was added by somebody else`;
  }
}
