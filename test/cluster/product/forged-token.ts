import { sign } from 'node:crypto';

const HOUR_SECONDS = 3_600;

/** The token with another end, signed as the API server signs. @param privateKey PEM of the cluster's token key. */
export function tokenUntil(token: string, untilSeconds: number, privateKey: string): string {
  const [header = '', payload = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as object;
  const begunSeconds = untilSeconds - HOUR_SECONDS;
  const changed = { ...claims, iat: begunSeconds, nbf: begunSeconds, exp: untilSeconds };
  const signed = `${header}.${Buffer.from(JSON.stringify(changed)).toString('base64url')}`;
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}
