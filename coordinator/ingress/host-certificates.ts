import type { CertificateSettings } from '../cloud/settings.ts';
import type { IngressRecord } from '../kube/ingress-reflector.ts';
import { ownerName } from '../loadbalancers/owner.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import type { AnnotationReader } from '../manifests/annotation-reader.ts';
import { CERTIFICATE } from './ingress-annotations.ts';
import type { IngressFacts } from './ingress-facts.ts';
import { fieldsOf, textOf } from './json-fields.ts';

/** What is known of the certificate that a host shall have. */
export type HostCertificate =
  | { readonly kind: 'known'; readonly certificate: CertificateSettings }
  /** It has not been read yet. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'missing'; readonly problem: Problem };

interface Entry {
  /** None: for every host that no other entry has. */
  readonly hosts: readonly string[];
  readonly certificate: HostCertificate;
}

const EXAMPLE = '[{"hosts":["a.com"],"qcloud_cert_id":["id"]}]';

/** The certificates of an Ingress, by `spec.tls` or by annotation: exact hosts before wildcards before all others. */
export class HostCertificates {
  readonly #ingress: IngressRecord;
  readonly #entries: readonly Entry[];

  constructor(ingress: IngressRecord, facts: Pick<IngressFacts, 'secret'>, reader: AnnotationReader) {
    this.#ingress = ingress;
    const annotated = annotatedEntries(reader);
    if (ingress.tls.length > 0 && annotated.length > 0) reader.problems.push(writtenTwice(ingress));
    this.#entries = ingress.tls.length > 0 ? secretEntries(ingress, facts) : annotated;
  }

  get hasAny(): boolean {
    return this.#entries.length > 0;
  }

  /** Empty: that of rules for any host. */
  of(host: string): HostCertificate {
    const wildcard = host.replace(/^[^.]+/, '*');
    const found =
      this.#entries.find(({ hosts }) => hosts.includes(host)) ??
      this.#entries.find(({ hosts }) => hosts.includes(wildcard)) ??
      this.#entries.find(({ hosts }) => hosts.length === 0);
    return found?.certificate ?? { kind: 'missing', problem: noneFor(this.#ingress, host) };
  }
}

function secretEntries(ingress: IngressRecord, { secret }: Pick<IngressFacts, 'secret'>): Entry[] {
  return ingress.tls.map(({ hosts, secretName }) => ({
    hosts,
    certificate: certificateIn(ingress, secretName, secret),
  }));
}

function certificateIn(ingress: IngressRecord, name: string, secret: IngressFacts['secret']): HostCertificate {
  const look = secret(name);
  if (!look) return { kind: 'pending' };
  if (look.kind !== 'found') return { kind: 'missing', problem: unusable(ingress, name, WHY_NOT[look.kind]) };
  const { certificateId, authorityId } = look;
  if (certificateId === '') return { kind: 'missing', problem: unusable(ingress, name, 'has no key qcloud_cert_id') };
  return { kind: 'known', certificate: { certificateIds: [certificateId], ...(authorityId && { authorityId }) } };
}

const WHY_NOT = {
  absent: 'does not exist',
  forbidden: 'may not be read by clb-direct, whose role needs "get" on secrets',
} as const;

function annotatedEntries(reader: AnnotationReader): Entry[] {
  const written = reader.jsonList(CERTIFICATE, EXAMPLE) ?? [];
  const entries = written.map(annotatedEntry).filter(entry => entry !== undefined);
  if (entries.length < written.length) reader.malformed(CERTIFICATE, `it takes entries like ${EXAMPLE}`);
  return entries;
}

function annotatedEntry(value: unknown): Entry | undefined {
  const { hosts = [], qcloud_cert_id: ids, qcloud_ca_cert_id: authority } = fieldsOf(value);
  if (!isTexts(hosts) || !isTexts(ids) || ids.length === 0) return undefined;
  const [authorityId] = Array.isArray(authority) ? authority.map(textOf) : [textOf(authority)];
  return {
    hosts,
    certificate: { kind: 'known', certificate: { certificateIds: ids, ...(authorityId && { authorityId }) } },
  };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string' && each !== '');
}

function unusable(ingress: IngressRecord, secretName: string, why: string): Problem {
  return problem(
    'CD1041',
    `${ownerName(ingress)}: Secret ${secretName}, which spec.tls names, ${why}. It has to be in the Ingress's namespace ` +
      "and to have the certificate's id of the SSL product under qcloud_cert_id; a certificate itself (kubernetes.io/tls) " +
      'is not uploaded. Rules that stand keep the certificate that they have; others wait.',
  );
}

function noneFor(ingress: IngressRecord, host: string): Problem {
  return problem(
    'CD1041',
    `${ownerName(ingress)}: no certificate is named for ${host || 'rules without a host'}, which is to be served over ` +
      'HTTPS. Name one in spec.tls, with this host or without any for all that have none of their own.',
  );
}

function writtenTwice(ingress: IngressRecord): Problem {
  return problem(
    'CD1044',
    `${ownerName(ingress)}: certificates are named in spec.tls and in the annotation ${CERTIFICATE}, which exclude each ` +
      'other. Those of spec.tls count; remove one of the two.',
  );
}
