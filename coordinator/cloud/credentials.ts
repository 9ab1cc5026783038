import sdk from 'tencentcloud-sdk-nodejs/tencentcloud/common/credential.js';
import { abortable } from '../../common/abortable.ts';
import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { ClbCredentialsError } from './transport.ts';

export interface Credential {
  readonly secretId: string;
  readonly secretKey: string;
  /** Set for temporary keys. */
  readonly token?: string;
}

export interface CredentialSource {
  /** For log lines: where the key comes from, never the key. */
  readonly origin: string;
  /** A key that is valid now. @throws ClbCredentialsError when there is none, the signal's reason on abort. */
  get(signal: AbortSignal): Promise<Credential>;
  /** CLB refused the last key: the next `get` fetches a new one, if the source can. */
  renew(): void;
}

/** What the SDK's providers of temporary keys offer. They cache, and renew shortly before the key expires. */
export interface KeyProvider {
  getCredential(): Promise<{ secretId?: string; secretKey?: string; token?: string }>;
}

const FETCH_TIMEOUT_MS = 5000;

/**
 * The first of: a key in TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY and optionally TENCENTCLOUD_SESSION_TOKEN; TKE
 * Pod identity (TKE_ROLE_ARN is set); the role of the CVM.
 * @throws ClbCredentialsError when only one half of a key is set.
 */
export function credentialsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): CredentialSource {
  const secretId = environment.TENCENTCLOUD_SECRET_ID ?? '';
  const secretKey = environment.TENCENTCLOUD_SECRET_KEY ?? '';
  const token = environment.TENCENTCLOUD_SESSION_TOKEN ?? '';
  if ((secretId === '') !== (secretKey === '')) {
    const missing = secretId === '' ? 'TENCENTCLOUD_SECRET_ID' : 'TENCENTCLOUD_SECRET_KEY';
    throw new ClbCredentialsError(`${missing} is not set: set both halves of the key, or neither to use a role`);
  }
  if (secretId !== '') return staticCredentials({ secretId, secretKey, ...(token !== '' && { token }) });
  if (environment.TKE_ROLE_ARN) {
    return renewingCredentials('TKE Pod identity', () => new sdk.OIDCRoleArnCredential(), clock);
  }
  return renewingCredentials('CVM role', () => new sdk.CvmRoleCredential(), clock);
}

export function staticCredentials(credential: Credential): CredentialSource {
  return { origin: 'environment', get: async () => credential, renew() {} };
}

/**
 * Keys from a provider of the SDK. Those keep a rejected first fetch for ever, so after any failure a fresh provider
 * takes the place of the old one; and they know neither deadline nor signal.
 */
export function renewingCredentials(origin: string, makeProvider: () => KeyProvider, clock: Clock): CredentialSource {
  let provider = makeProvider();
  const renew = () => {
    provider = makeProvider();
  };
  return {
    origin,
    renew,
    async get(signal) {
      const asked = provider;
      using limit = deadline(clock, `fetching a key from ${origin}`, FETCH_TIMEOUT_MS, signal);
      try {
        return complete(await abortable(asked.getCredential(), limit.signal));
      } catch (error) {
        // Several calls may have waited for the same failed fetch; only the first replaces the provider.
        if (asked === provider) renew();
        signal.throwIfAborted();
        const text = error instanceof Error ? error.message : String(error);
        throw new ClbCredentialsError(`${origin} gave no key: ${text}`, { cause: error });
      }
    },
  };
}

function complete(key: Awaited<ReturnType<KeyProvider['getCredential']>>): Credential {
  if (!key.secretId || !key.secretKey) throw new Error('the answer holds no key');
  return { secretId: key.secretId, secretKey: key.secretKey, ...(key.token && { token: key.token }) };
}
