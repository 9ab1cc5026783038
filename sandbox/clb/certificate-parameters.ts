import { ClbError } from './clb-error.ts';
import { list, object, oneOf, text } from './parameters.ts';
import type { ActionContext } from './plan.ts';
import type { Certificate } from './state.ts';

const id = text({ minLength: 1 });
const mode = oneOf('UNIDIRECTIONAL', 'MUTUAL');
const SENT_ALONG = ['CertName', 'CertKey', 'CertContent', 'CertCaName', 'CertCaContent', 'SSLVerifyClient'];

/** Certificates of the account's own; those sent along are not modelled. */
export const certificateFields = {
  Certificate: object({ required: { CertId: id }, optional: { SSLMode: mode, CertCaId: id }, unmodelled: SENT_ALONG }),
  MultiCertInfo: object({
    required: {
      SSLMode: mode,
      CertList: list(object({ required: { CertId: id }, optional: {}, unmodelled: SENT_ALONG }), 1, 3),
    },
    optional: {},
    unmodelled: SENT_ALONG,
  }),
};

interface CertificateParameters {
  readonly Certificate?: ReturnType<typeof certificateFields.Certificate>;
  readonly MultiCertInfo?: ReturnType<typeof certificateFields.MultiCertInfo>;
}

/** @throws ClbError InvalidParameterValue that names a certificate which the account does not have. */
export function certificateOf(context: ActionContext, given: CertificateParameters): Certificate | undefined {
  if (given.Certificate && given.MultiCertInfo) {
    throw new ClbError('InvalidParameter', '`Certificate` and `MultiCertInfo` exclude each other.');
  }
  const certificate = given.MultiCertInfo ? fromList(given.MultiCertInfo) : single(given.Certificate);
  if (!certificate) return undefined;
  const { authorityId } = certificate;
  const ids = authorityId === undefined ? certificate.ids : [...certificate.ids, authorityId];
  const unknown = ids.find(candidate => context.state.refused.has(candidate));
  if (unknown === undefined) return certificate;
  throw new ClbError('InvalidParameterValue', `The certificate ${unknown} does not exist.`);
}

function single(given: CertificateParameters['Certificate']): Certificate | undefined {
  if (!given) return undefined;
  const { CertId, CertCaId, SSLMode = 'UNIDIRECTIONAL' } = given;
  if (SSLMode === 'UNIDIRECTIONAL') return { ids: [CertId] };
  if (CertCaId === undefined) throw new ClbError('MissingParameter', 'SSLMode MUTUAL needs `Certificate.CertCaId`.');
  return { ids: [CertId], authorityId: CertCaId };
}

/** Nothing in the list tells which one is the authority's; it comes last here. */
function fromList({ SSLMode, CertList }: NonNullable<CertificateParameters['MultiCertInfo']>): Certificate {
  const ids = CertList.map(({ CertId }) => CertId);
  if (SSLMode === 'UNIDIRECTIONAL') return { ids };
  const authorityId = ids.at(-1);
  if (ids.length > 1 && authorityId !== undefined) return { ids: ids.slice(0, -1), authorityId };
  throw new ClbError('MissingParameter', 'SSLMode MUTUAL needs the certificate of an authority in `CertList`.');
}

/** As DescribeListeners tells it. */
export function describedCertificate(certificate: Certificate | undefined): Record<string, unknown> | null {
  if (!certificate) return null;
  const { ids, authorityId } = certificate;
  const [first, ...more] = ids;
  return {
    SSLMode: authorityId === undefined ? 'UNIDIRECTIONAL' : 'MUTUAL',
    CertId: first,
    CertCaId: authorityId ?? null,
    ExtCertIds: more,
  };
}
