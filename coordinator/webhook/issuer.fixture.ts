import type { CertificateIssuer, ServingCertificate, Validity } from './certificate-bundle.ts';

interface Facts extends Validity {
  readonly serial: number;
  readonly issuedBy: number;
}

/** Certificates that are nothing but their serial number, their issuer's, and their dates. */
export function fakeIssuer(): CertificateIssuer {
  let serials = 0;
  const issue = (issuedBy: number | 'itself', validity: Validity): ServingCertificate => {
    serials += 1;
    const facts: Facts = { serial: serials, issuedBy: issuedBy === 'itself' ? serials : issuedBy, ...validity };
    const body = Buffer.from(JSON.stringify(facts)).toString('base64');
    return {
      certificatePem: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
      privateKeyPem: `key ${serials}`,
    };
  };
  return {
    issueAuthority: async validity => issue('itself', validity),
    issueServing: async (authority, _names, validity) =>
      issue(factsIn(authority.certificatePem)[0]?.serial ?? 0, validity),
    inspect({ caPem, caKeyPem, certificatePem, privateKeyPem, next }) {
      const [[authority], [serving]] = [factsIn(caPem), factsIn(certificatePem)];
      if (!authority || !serving || serving.issuedBy !== authority.serial) return undefined;
      if (caKeyPem !== `key ${authority.serial}` || privateKeyPem !== `key ${serving.serial}`) return undefined;
      return { authority, serving, next: next && factsIn(next.certificatePem)[0] };
    },
    faultOf: ({ certificatePem }) => (factsIn(certificatePem).length > 0 ? undefined : 'tls.crt holds no certificate'),
  };
}

/** What the certificates of a PEM text are; what is none is left out. */
export function factsIn(pem: string): Facts[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----\n([^-]*)\n-----END/g)].flatMap(([, body = '']) => {
    try {
      return [JSON.parse(Buffer.from(body, 'base64').toString()) as Facts];
    } catch {
      return [];
    }
  });
}
