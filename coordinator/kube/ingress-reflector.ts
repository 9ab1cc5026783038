import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import type { Ingress, IngressBackend } from '../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import { INGRESS_CLASS_ANNOTATION, INGRESS_LOAD_BALANCER_ID_ANNOTATION } from '../../common/names.ts';
import type { Random } from '../../common/random.ts';
import { type OptionalRead, optionalReadFailed } from './optional-read.ts';
import { type OwnerRecord, ownerRecord } from './owner-record.ts';

/** The fields of an Ingress that decisions read. */
export interface IngressRecord extends OwnerRecord {
  readonly kind: 'Ingress';
  /** By field or by annotation; the field counts. */
  readonly className: string | undefined;
  readonly defaultBackend: IngressBackendRecord | undefined;
  /** One for each host and path, in the order in which they are written. */
  readonly rules: readonly IngressRuleRecord[];
  readonly tls: readonly { readonly hosts: readonly string[]; readonly secretName: string }[];
}

export interface IngressRuleRecord {
  /** Empty: any. */
  readonly host: string;
  /** Empty: any. */
  readonly path: string;
  readonly pathType: string;
  readonly backend: IngressBackendRecord;
}

export interface IngressBackendRecord {
  /** Empty when the backend is no Service. */
  readonly serviceName: string;
  /** A number, or the name of the Service's port. */
  readonly port: number | string;
}

export interface IngressReflectorOptions extends OptionalRead {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly names: InstanceNames;
  readonly onEvent: (event: ReflectorEvent<IngressRecord>) => void;
}

/** Keeps all Ingresses of all namespaces until `signal` aborts. */
export function runIngressReflector(options: IngressReflectorOptions, signal: AbortSignal): Promise<void> {
  const { transport, clock, random, onEvent } = options;
  return runReflector<Ingress, IngressRecord>(
    {
      transport,
      clock,
      random,
      path: '/apis/networking.k8s.io/v1/ingresses',
      project: ingress => ingressRecord(ingress, options.names),
      onEvent,
      onError: optionalReadFailed({ ...options, kinds: 'Ingresses' }),
    },
    signal,
  );
}

export function ingressRecord(ingress: Ingress, names: InstanceNames): IngressRecord {
  const owner = ownerRecord(ingress, INGRESS_LOAD_BALANCER_ID_ANNOTATION, names);
  const { ingressClassName, defaultBackend, rules = [], tls = [] } = ingress.spec ?? {};
  return {
    ...owner,
    kind: 'Ingress',
    className: ingressClassName ?? owner.annotations[INGRESS_CLASS_ANNOTATION],
    defaultBackend: defaultBackend && backendRecord(defaultBackend),
    rules: rules.flatMap(({ host = '', http }) =>
      (http?.paths ?? []).map(({ path = '', pathType, backend }) => {
        return { host, path, pathType, backend: backendRecord(backend) };
      }),
    ),
    tls: tls.map(({ hosts = [], secretName = '' }) => ({ hosts, secretName })),
  };
}

function backendRecord({ service }: IngressBackend): IngressBackendRecord {
  return { serviceName: service?.name ?? '', port: service?.port?.name ?? service?.port?.number ?? 0 };
}
