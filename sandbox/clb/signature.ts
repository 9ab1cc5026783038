import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ClbError } from './clb-error.ts';

const ALGORITHM = 'TC3-HMAC-SHA256';
const TIME_WINDOW_SECONDS = 300;
const AUTHORIZATION =
  /^TC3-HMAC-SHA256 Credential=([^/]+)\/(\d{4}-\d{2}-\d{2})\/([^/]+)\/tc3_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

export interface Credentials {
  readonly secretId: string;
  readonly secretKey: string;
  /** Set for temporary credentials: the request must carry it. */
  readonly token?: string;
}

export interface SignedRequest {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/**
 * Proves that the request was signed with known credentials, within five minutes of `wallNowMs`.
 * @throws ClbError AuthFailure.* or MissingParameter.
 */
export function verifySignature(request: SignedRequest, known: readonly Credentials[], wallNowMs: number): void {
  const { headers } = request;
  const [, secretId, date, service, signedHeaders, signature] = AUTHORIZATION.exec(headers.authorization ?? '') ?? [];
  const covers = ['content-type', 'host'].every(name => signedHeaders?.split(';').includes(name));
  if (!secretId || !date || !service || !signedHeaders || !signature || !covers) {
    throw new ClbError('AuthFailure.InvalidAuthorization', `The Authorization header is not a ${ALGORITHM} one.`);
  }
  const timestamp = checkedTimestamp(headers['x-tc-timestamp'], date, wallNowMs);
  const credentials = known.find(candidate => candidate.secretId === secretId);
  if (!credentials) throw new ClbError('AuthFailure.SecretIdNotFound', 'The SecretId is not found.');
  if (credentials.token !== undefined && headers['x-tc-token'] !== credentials.token) {
    throw new ClbError('AuthFailure.TokenFailure', 'The token of the temporary credentials is wrong.');
  }
  const scope = { date, service, timestamp, signedHeaders: signedHeaders.split(';') };
  const isRight = hostsOf(headers.host ?? '').some(host =>
    isEqual(signature, signatureOf({ ...request, headers: { ...headers, host } }, scope, credentials.secretKey)),
  );
  if (!isRight) throw new ClbError('AuthFailure.SignatureFailure', 'The provided credentials could not be validated.');
}

function checkedTimestamp(text: string | undefined, date: string, wallNowMs: number): string {
  if (text === undefined) throw new ClbError('MissingParameter', 'The header X-TC-Timestamp is missing.');
  const seconds = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (!(Math.abs(wallNowMs / 1_000 - seconds) <= TIME_WINDOW_SECONDS)) {
    throw new ClbError('AuthFailure.SignatureExpire', 'The signature is more than five minutes off; check the clock.');
  }
  if (new Date(seconds * 1_000).toISOString().slice(0, 10) === date) return text;
  throw new ClbError('AuthFailure.SignatureFailure', 'The date of the credential does not fit X-TC-Timestamp.');
}

/** The Node SDK sends `host:port` and signs the host alone; others sign what they send. */
function hostsOf(host: string): readonly string[] {
  return [host, host.replace(/:\d+$/, '')];
}

interface Scope {
  readonly date: string;
  /** As the client names it; for an address it is the first label, so it proves nothing. */
  readonly service: string;
  readonly timestamp: string;
  readonly signedHeaders: readonly string[];
}

function signatureOf(request: SignedRequest, scope: Scope, secretKey: string): string {
  const { date, service, timestamp, signedHeaders } = scope;
  const headerLines = signedHeaders.map(name => `${name}:${request.headers[name] ?? ''}\n`).join('');
  const canonical = ['POST', '/', '', headerLines, signedHeaders.join(';'), sha256(request.body)].join('\n');
  const toSign = [ALGORITHM, timestamp, `${date}/${service}/tc3_request`, sha256(canonical)].join('\n');
  const key = [date, service, 'tc3_request'].reduce<string | Buffer>(hmac, `TC3${secretKey}`);
  return hmac(key, toSign).toString('hex');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function isEqual(first: string, second: string): boolean {
  return timingSafeEqual(Buffer.from(first), Buffer.from(second));
}
