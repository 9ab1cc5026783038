import type { Ingress, Service } from '../../../common/kube/objects.ts';
import type { CertificateSecret, ListenerConfig, Tuning } from './manifest-chronicle.ts';

/** What users ask for by Ingresses and TkeServiceConfigs, as simply as it can be said; see `desired-state.ts`. */

export const CLASS = 'clb-direct';
export const EXISTING = 'kubernetes.io/ingress.existLbId';
export const LISTEN_PORTS = 'ingress.cloud.tencent.com/listen-ports';
export const CONFIG = {
  Service: 'service.cloud.tencent.com/tke-service-config',
  Ingress: 'ingress.cloud.tencent.com/tke-service-config',
} as const;

/** One host and path on one port. */
export interface WantedPlace {
  readonly ingress: Ingress;
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly port: number;
  /** Empty: the load balancer's own address. */
  readonly host: string;
  readonly url: string;
  readonly backend: string;
  /** Of HTTPS: id of the certificate; undefined: there is none, so that nothing new is made. */
  readonly certificateId: string | undefined;
  /** What the TkeServiceConfig says. */
  readonly tuning: Tuning;
}

export interface References {
  readonly secrets: readonly CertificateSecret[];
  readonly configs: readonly ListenerConfig[];
}

export function isClaimedIngress({ metadata, spec }: Ingress): boolean {
  return spec?.ingressClassName === CLASS && metadata.deletionTimestamp === undefined;
}

export function wantedPlaces(ingress: Ingress, references: References): readonly WantedPlace[] {
  if (!isClaimedIngress(ingress)) return [];
  return listenPorts(ingress).flatMap(({ scheme, port }) =>
    (ingress.spec?.rules ?? []).flatMap(({ host = '', http }) =>
      (http?.paths ?? []).map(({ path = '/', pathType, backend }): WantedPlace => {
        const url = pathType === 'Exact' ? `=${path}` : path;
        const place = { scheme, port, host, url };
        return {
          ...place,
          ingress,
          backend: backend.service?.name ?? '',
          certificateId: scheme === 'HTTPS' ? certificateOf(ingress, host, references.secrets) : undefined,
          tuning: tuningOf(ingress, place, references.configs),
        };
      }),
    ),
  );
}

function listenPorts({ metadata }: Ingress): { scheme: 'HTTP' | 'HTTPS'; port: number }[] {
  const written = JSON.parse(metadata.annotations?.[LISTEN_PORTS] ?? '[]') as Record<string, number>[];
  return written.flatMap(each => Object.entries(each)).map(([scheme, port]) => ({ scheme: scheme as 'HTTP', port }));
}

/** The entry for the host itself, else for its wildcard, else the one without hosts. */
function certificateOf({ spec }: Ingress, host: string, secrets: readonly CertificateSecret[]): string | undefined {
  const entries = spec?.tls ?? [];
  const wildcard = host.replace(/^[^.]+/, '*');
  const named = [host, wildcard].map(each => entries.find(({ hosts = [] }) => hosts.includes(each)));
  const entry = named.find(each => each) ?? entries.find(({ hosts = [] }) => hosts.length === 0);
  const secret = secrets.find(({ metadata }) => metadata.name === entry?.secretName);
  const id = secret?.data?.qcloud_cert_id;
  return id === undefined ? undefined : Buffer.from(id, 'base64').toString();
}

function tuningOf(
  { metadata }: Ingress,
  place: Pick<WantedPlace, 'scheme' | 'port' | 'host' | 'url'>,
  configs: readonly ListenerConfig[],
): Tuning {
  const config = configs.find(each => each.metadata.name === metadata.annotations?.[CONFIG.Ingress]);
  const listeners = config?.spec?.loadBalancer?.l7Listeners ?? [];
  const rules = listeners
    .filter(({ protocol, port }) => protocol === place.scheme && port === place.port)
    .flatMap(({ domains }) => domains)
    .filter(({ domain }) => domain === place.host)
    .flatMap(domain => domain.rules);
  return rules.find(({ url }) => url === place.url || `=${url}` === place.url) ?? {};
}

/** What the Service's TkeServiceConfig says of one of its ports on layer 4. */
export function tuningOfPort(
  { metadata }: Service,
  port: { readonly protocol: string; readonly port: number },
  configs: readonly ListenerConfig[],
): Tuning {
  const config = configs.find(each => each.metadata.name === metadata.annotations?.[CONFIG.Service]);
  const listeners = config?.spec?.loadBalancer?.l4Listeners ?? [];
  return listeners.find(each => each.protocol === port.protocol && each.port === port.port) ?? {};
}
