import type { Problem } from '../loadbalancers/problem.ts';
import { type AnnotationReader, isRecord, parsedJson } from './annotation-reader.ts';

const SPECIFY_PROTOCOL = 'service.cloud.tencent.com/specify-protocol';

const PROTOCOLS = ['TCP', 'UDP', 'TCP_SSL', 'HTTP', 'HTTPS'] as const;
export type SpecifiedProtocol = (typeof PROTOCOLS)[number];

/** What the annotation says of one port of the Service, in place of what the port itself says. */
export interface SpecifiedPort {
  /** At most one besides UDP: a port carries one protocol of each family. */
  readonly protocols: readonly SpecifiedProtocol[];
  /** Name of the Secret with the certificate, of TCP_SSL and of hosts that name none. */
  readonly secretName: string | undefined;
  /** Of HTTP and HTTPS; none: any host. */
  readonly hosts: readonly SpecifiedHost[];
}

export interface SpecifiedHost {
  readonly host: string;
  readonly secretName: string | undefined;
}

const FORM = '{"80":{"protocol":["TCP","UDP"]},"443":{"protocol":["HTTPS"],"hosts":{"a.com":{"tls":"a-secret"}}}}';
const MEANWHILE =
  'Until it is corrected nothing new is made for the port; what it has is served, and so are the others.';
/** How Kubernetes names them. */
const SECRET_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const HOSTS_MAX = 100;

/** Says of a port what the annotation says: nothing, what it is to be, or why that makes no sense. */
export type SpecifiedPorts = (port: number) => SpecifiedPort | Problem | undefined;

export function readSpecifiedPorts(reader: AnnotationReader): SpecifiedPorts {
  const text = reader.text(SPECIFY_PROTOCOL);
  if (text === undefined) return () => undefined;
  const ports = parsedJson(text);
  if (!isRecord(ports)) {
    const complaint = reader.complaint(SPECIFY_PROTOCOL, `it takes JSON such as ${FORM}`, MEANWHILE);
    return () => complaint;
  }
  return port => {
    const said = ports[port];
    const read = said === undefined ? undefined : specifiedPort(said);
    if (typeof read !== 'string') return read;
    return reader.complaint(SPECIFY_PROTOCOL, `of port ${port} it has to say ${read}: ${FORM}`, MEANWHILE);
  };
}

/** @returns what is missing, in words, when it makes no sense */
function specifiedPort(said: unknown): SpecifiedPort | string {
  if (!isRecord(said) || !Array.isArray(said.protocol)) return 'a list of protocols';
  const protocols = [...new Set(said.protocol)].filter(isProtocol);
  if (protocols.length === 0 || protocols.length < new Set(said.protocol).size) {
    return `protocols out of ${PROTOCOLS.join(', ')}`;
  }
  if (protocols.filter(protocol => protocol !== 'UDP').length > 1) return 'at most one protocol beside UDP';
  const secretName = secretOf(said);
  const hosts = hostsOf(said.hosts);
  if (secretName === null || hosts === undefined) return 'names of Secrets as text, and hosts as an object';
  const isCertified =
    secretName !== undefined || (hosts.length > 0 && hosts.every(each => each.secretName !== undefined));
  const needsSecret = protocols.includes('TCP_SSL') || protocols.includes('HTTPS');
  if (needsSecret && !isCertified) return 'which Secret has the certificate ("tls")';
  return { protocols, secretName, hosts };
}

function hostsOf(said: unknown): readonly SpecifiedHost[] | undefined {
  if (said === undefined || said === null) return [];
  if (!isRecord(said) || Object.keys(said).length > HOSTS_MAX) return undefined;
  const hosts: SpecifiedHost[] = [];
  for (const [host, more] of Object.entries(said)) {
    const secretName = more === null ? undefined : isRecord(more) ? secretOf(more) : null;
    if (secretName === null) return undefined;
    hosts.push({ host, secretName });
  }
  return hosts;
}

/** Undefined when none is named, null when what stands there is no name. */
function secretOf({ tls }: Readonly<Record<string, unknown>>): string | undefined | null {
  if (tls === undefined || tls === null || tls === '') return undefined;
  return typeof tls === 'string' && SECRET_NAME.test(tls) ? tls : null;
}

function isProtocol(value: unknown): value is SpecifiedProtocol {
  return PROTOCOLS.some(protocol => protocol === value);
}
