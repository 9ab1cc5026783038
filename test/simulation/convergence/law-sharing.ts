import type { Service } from '../../../common/kube/objects.ts';
import type { Breach } from '../breach.ts';
import { existingOf, wantedPorts } from './desired-state.ts';
import type { Ledger } from './ledger.ts';

/** A Service that has wanted a port for less could not be known. */
const NEWS_MS = 15_000;

/** A free port of a shared load balancer goes to the earliest of those that want it. */
export function earliestFirst(ledger: Ledger): Breach[] {
  const { chronicle } = ledger.evidence;
  const found: Breach[] = [];
  for (const { serviceUid, loadBalancerId, protocol, port, createdAt } of ledger.listeners()) {
    const winner = chronicle.services.of(serviceUid, createdAt);
    if (!winner) continue;
    const wants = (service: Service | undefined) =>
      service !== undefined &&
      existingOf(service) === loadBalancerId &&
      wantedPorts(service).some(wanted => wanted.protocol === protocol && wanted.port === port);
    const earlier = [...chronicle.services.uids()].filter(uid => {
      const service = chronicle.services.of(uid, createdAt);
      const isEarlier = service !== undefined && ageOf(service) < ageOf(winner);
      return isEarlier && chronicle.services.during(uid, ledger.heardFrom(createdAt - NEWS_MS), createdAt).every(wants);
    });
    for (const uid of earlier) {
      const name = chronicle.services.of(uid, createdAt)?.metadata.name;
      const message = `${winner.metadata.name} got ${loadBalancerId} ${protocol}:${port}, which ${name} wanted before`;
      found.push({ law: 'L10', message });
    }
  }
  return found;
}

function ageOf({ metadata }: Service): string {
  return `${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`;
}

/** Whatever is lost and whoever dies: of one Service there are never two load balancers that we made. */
export function oneForEachService({ evidence }: Ledger): Breach[] {
  const serviceOf = new Map<string, string>();
  for (const record of evidence.journal) {
    if (record.kind !== 'call' || record.action !== 'CreateLoadBalancer') continue;
    const { Tags = [] } = record.parameters as { Tags?: { TagKey: string; TagValue: string }[] };
    const tag = Tags.find(({ TagKey }) => TagKey === 'clb-direct-service');
    if (tag) serviceOf.set(record.requestId, tag.TagValue);
  }
  const present = new Map<string, string>();
  const found: Breach[] = [];
  for (const record of evidence.journal) {
    if (record.kind !== 'change') continue;
    for (const change of record.changes) {
      if (change.kind === 'load-balancer-deleted') present.delete(change.loadBalancerId);
      const uid = change.kind === 'load-balancer-created' ? serviceOf.get(record.requestId) : undefined;
      if (change.kind !== 'load-balancer-created' || uid === undefined) continue;
      if ([...present.values()].includes(uid)) {
        found.push({ law: 'L8', message: `a second load balancer was made for Service ${uid}` });
      }
      present.set(change.loadBalancerId, uid);
    }
  }
  return found;
}
