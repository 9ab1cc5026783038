import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { Container, Pod, Probe } from '../../common/kube/objects.ts';
import { APPLICATION_GRACE_ANNOTATION, DRAIN_SECONDS_ANNOTATION } from '../../common/names.ts';
import { servingContainers } from '../../common/pods/serving-containers.ts';

/** What a Pod's template says about when it serves and how it ends; equal for Pods of one template. */
export interface PodProfile {
  readonly ports: readonly ProfilePort[];
  /** Of all its containers. */
  readonly readiness: readonly ReadinessProbe[];
  readonly graceSeconds: number;
  /** As the Pod asks for it; undefined: the default. */
  readonly drainSeconds: number | undefined;
  /** What of the grace period the webhook left to the application; undefined where it changed nothing. */
  readonly applicationSeconds: number | undefined;
  /** A container calls our preStop hook. */
  readonly isHooked: boolean;
}

export interface ProfilePort {
  /** Empty for a port without a name. */
  readonly name: string;
  readonly port: number;
}

/** A readinessProbe. `exec` and gRPC ones ask no port that CLB could ask, too. */
export type ReadinessProbe =
  | { readonly type: 'tcp'; readonly port: number }
  | {
      readonly type: 'http';
      readonly port: number;
      readonly scheme: 'HTTP' | 'HTTPS';
      readonly path: string;
      readonly timeoutSeconds: number;
    }
  | { readonly type: 'other' };

/** What the API server fills in. */
const GRACE_SECONDS_DEFAULT = 30;
const PROBE_TIMEOUT_SECONDS_DEFAULT = 1;

export function podProfile({ metadata, spec }: Pod, { hookPort } = DEFAULT_INSTANCE): PodProfile {
  const containers = servingContainers(spec);
  const annotations = metadata.annotations ?? {};
  return {
    ports: containers.flatMap(({ ports = [] }) =>
      ports.map(({ name = '', containerPort }) => ({ name, port: containerPort })),
    ),
    readiness: containers.flatMap(readinessOf),
    graceSeconds: spec.terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT,
    drainSeconds: wholeSeconds(annotations[DRAIN_SECONDS_ANNOTATION]),
    applicationSeconds: wholeSeconds(annotations[APPLICATION_GRACE_ANNOTATION]),
    isHooked: containers.some(({ lifecycle }) => Number(lifecycle?.preStop?.httpGet?.port) === hookPort),
  };
}

function readinessOf(container: Container): ReadinessProbe[] {
  const probe = container.readinessProbe;
  return probe ? [readinessProbe(probe, container)] : [];
}

function readinessProbe({ httpGet, tcpSocket, timeoutSeconds }: Probe, container: Container): ReadinessProbe {
  const port = portOf((httpGet ?? tcpSocket)?.port, container);
  if (port === undefined) return { type: 'other' };
  if (!httpGet) return { type: 'tcp', port };
  return {
    type: 'http',
    port,
    scheme: httpGet.scheme === 'HTTPS' ? 'HTTPS' : 'HTTP',
    path: httpGet.path ?? '/',
    timeoutSeconds: timeoutSeconds ?? PROBE_TIMEOUT_SECONDS_DEFAULT,
  };
}

function portOf(port: number | string | undefined, { ports = [] }: Container): number | undefined {
  return typeof port === 'number' ? port : ports.find(({ name }) => name === port)?.containerPort;
}

function wholeSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
