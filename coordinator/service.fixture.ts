import { DIRECT_ACCESS_ANNOTATION } from '../common/names.ts';
import type { ServiceRecord } from './kube/service-reflector.ts';

/** Service `default/web` with TCP port 80, claimed by its annotation, with our finalizer. */
export function serviceRecord(fields: Partial<ServiceRecord> = {}): ServiceRecord {
  return {
    uid: 'service-uid',
    namespace: 'default',
    name: 'web',
    resourceVersion: '1',
    createdAt: '2026-01-01T00:00:00Z',
    deleting: false,
    finalized: true,
    finalizers: [],
    type: 'LoadBalancer',
    loadBalancerClass: undefined,
    selector: { app: 'web' },
    ports: [{ port: 80, protocol: 'TCP' }],
    publishNotReadyAddresses: false,
    annotations: { [DIRECT_ACCESS_ANNOTATION]: 'true' },
    loadBalancerId: undefined,
    recorded: [],
    adopted: [],
    ingress: [],
    ...fields,
  };
}
