import { ContainerState, GateState, PodPhase, type PodRecord, Protocol } from '../../common/pod-record.ts';
import type { PodView } from './cluster-view.ts';
import type { PlacedRule } from './rule-state.ts';

/** A Pod that runs and is ready, in namespace `default`, with app label `web` and container port 80. */
export function podRecord(fields: Partial<PodRecord> = {}): PodRecord {
  const uid = fields.uid ?? 'pod-1';
  return {
    uid,
    namespace: 'default',
    name: uid,
    addresses: ['10.0.0.1'],
    labels: { app: 'web' },
    hostNetwork: false,
    eni: { attached: true, reason: 'test' },
    ports: [{ name: 'http', port: 80, protocol: Protocol.TCP }],
    phase: PodPhase.RUNNING,
    ready: true,
    deletion: undefined,
    containers: [container('main', ContainerState.RUNNING)],
    gate: GateState.CLOSED,
    annotations: {},
    createdAtMs: 0,
    ...fields,
  };
}

export function container(name: string, state: ContainerState): PodRecord['containers'][number] {
  return { name, containerId: `${name}-1`, state, restartCount: 0 };
}

/** The same, confirmed by the API server and without a hook. */
export function podView(fields: Partial<PodRecord> = {}, view: Partial<Omit<PodView, 'record'>> = {}): PodView {
  return {
    record: podRecord(fields),
    node: 'n1',
    firstSeenAt: 0,
    deletionSeenAt: undefined,
    confirmed: true,
    isPlaced: true,
    drain: undefined,
    instanceId: undefined,
    nodeSign: undefined,
    isNodeInDoubt: false,
    isUnheld: false,
    isDisputed: false,
    ...view,
  };
}

/** Port 80 of Service `default/web` on listener `lbl-0` of `lb-1`. */
export function placedRule(fields: Partial<PlacedRule> = {}): PlacedRule {
  return {
    id: 's0/TCP/80',
    service: { namespace: 'default', name: 'web', uid: 's0' },
    protocol: Protocol.TCP,
    port: 80,
    selector: { app: 'web' },
    targetPort: 80,
    publishNotReadyAddresses: false,
    place: { loadBalancerId: 'lb-1', listenerId: 'lbl-0', locationId: '' },
    refusal: undefined,
    ...fields,
  };
}
