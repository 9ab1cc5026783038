import { expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { credentialsFromEnvironment, type KeyProvider, renewingCredentials } from './credentials.ts';
import { ClbCredentialsError } from './transport.ts';

const never = new AbortController().signal;
const KEY = { secretId: 'id', secretKey: 'key', token: 'token' };

/** Makes providers that answer with the given results in turn, each keeping its first one for ever, as the SDK's do. */
function providers(...results: (() => Promise<typeof KEY>)[]): () => KeyProvider {
  return () => {
    let first: Promise<typeof KEY> | undefined;
    return {
      getCredential: () => {
        first ??= (results.shift() ?? (async () => KEY))();
        return first;
      },
    };
  };
}

test('a key in the environment is used as it is', async () => {
  const environment = { TENCENTCLOUD_SECRET_ID: 'id', TENCENTCLOUD_SECRET_KEY: 'key' };
  const source = credentialsFromEnvironment(environment, new VirtualClock());
  expect(await source.get(never)).toEqual({ secretId: 'id', secretKey: 'key' });
});

test('half a key is refused with the name of the other half', () => {
  const clock = new VirtualClock();
  expect(() => credentialsFromEnvironment({ TENCENTCLOUD_SECRET_ID: 'id' }, clock)).toThrow('TENCENTCLOUD_SECRET_KEY');
  expect(() => credentialsFromEnvironment({ TENCENTCLOUD_SECRET_KEY: 'key' }, clock)).toThrow(ClbCredentialsError);
});

test.each([
  [{ TKE_ROLE_ARN: 'qcs::cam::uin/1:roleName/clb-direct' }, 'TKE Pod identity'],
  [{}, 'CVM role'],
])('without a key a role is used', (environment, origin) => {
  expect(credentialsFromEnvironment(environment, new VirtualClock()).origin).toBe(origin);
});

test('a failed first fetch is not kept: the next call asks again', async () => {
  const source = renewingCredentials(
    'test role',
    providers(async () => Promise.reject(new Error('no route to host'))),
    new VirtualClock(),
  );
  await expect(source.get(never)).rejects.toThrow('test role gave no key: no route to host');
  expect(await source.get(never)).toEqual(KEY);
});

test('a fetch that hangs is given up after 5 s, and the next call asks again', async () => {
  const clock = new VirtualClock();
  const source = renewingCredentials(
    'test role',
    providers(() => new Promise(() => {})),
    clock,
  );
  const hung = source.get(never).catch((error: unknown) => error);
  await clock.advance(5000);
  expect(await hung).toBeInstanceOf(ClbCredentialsError);
  expect(await source.get(never)).toEqual(KEY);
});

test('an answer without a key is an error', async () => {
  const source = renewingCredentials(
    'test role',
    providers(async () => ({ ...KEY, secretKey: '' })),
    new VirtualClock(),
  );
  await expect(source.get(never)).rejects.toThrow('holds no key');
});

test('renew makes the next call fetch a new key', async () => {
  const old = { ...KEY, token: 'old' };
  const source = renewingCredentials(
    'test role',
    providers(async () => old),
    new VirtualClock(),
  );
  expect(await source.get(never)).toEqual(old);
  source.renew();
  expect(await source.get(never)).toEqual(KEY);
});
