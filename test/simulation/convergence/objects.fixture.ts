import type { Pod, Service } from '../../../common/kube/objects.ts';
import { EXISTING_LOAD_BALANCER_ANNOTATION, READINESS_GATE } from '../../../common/names.ts';
import { service as manifest, type ServicePort } from '../manifests.ts';

/** A Service as the API server holds it: it asks for `lb-shared-1` and selects the Pods of app `web`. */
export function service(
  name: string,
  fields: { ports?: readonly ServicePort[]; ip?: string; on?: string } = {},
): Service {
  const { ports, ip, on = 'lb-shared-1' } = fields;
  const made = manifest(name, { [EXISTING_LOAD_BALANCER_ANNOTATION]: on }, ports) as Service;
  const creationTimestamp = '2026-01-01T00:00:00Z';
  return {
    ...made,
    metadata: { ...made.metadata, uid: `${name}-uid`.padEnd(12, '0'), creationTimestamp },
    spec: { ...made.spec, selector: { app: 'web' } },
    status: { loadBalancer: { ingress: ip === undefined ? [] : [{ ip }] } },
  };
}

/** A Pod of app `web` that is ready, with its gate open. */
export function pod(
  name: string,
  podIP: string,
  fields: { annotations?: Record<string, string>; gate?: boolean } = {},
): Pod {
  const { annotations = {}, gate = true } = fields;
  const ready = { type: 'ContainersReady', status: 'True' } as const;
  const open = { type: READINESS_GATE, status: gate ? 'True' : 'False' } as const;
  return {
    metadata: { name, namespace: 'default', uid: `${name}-uid`, labels: { app: 'web' }, annotations },
    spec: { containers: [] },
    status: { phase: 'Running', podIP, conditions: [ready, open] },
  };
}

/** The tag of a target that we bound. */
export function tagOf({ metadata }: Pod): string {
  return `cd1:c1:default/${metadata.name}:${metadata.uid}`;
}

/** The name of a listener that we made. */
export function listenerNameOf({ metadata }: Service): string {
  return `clb-direct-c1-${metadata.uid?.slice(0, 8)}`;
}
