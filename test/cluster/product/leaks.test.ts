import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { leaks } from './leaks.ts';

const jwt = `${'h'.repeat(20)}.${'p'.repeat(20)}.${'s'.repeat(40)}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('a secret is found', () => {
  test.each([
    ['as it is', 'a-secret-key', 'called with a-secret-key'],
    ['in base64', 'a-secret-key', `data: ${Buffer.from('a-secret-key').toString('base64')}`],
    ['a token by its signature', jwt, `token ...${'s'.repeat(40)}`],
    ['a key on one line', pem, JSON.stringify({ key: pem })],
    ['a key in base64', pem, Buffer.from(pem).toString('base64')],
  ])('%s', (_, secret, text) => {
    expect(leaks({ key: secret }, { log: text, events: 'nothing' })).toEqual(['key in log']);
  });
});

test('nothing is found where only other keys stand', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const text = other.export({ type: 'pkcs8', format: 'pem' }).toString();
  expect(leaks({ key: pem, token: jwt }, { log: text })).toEqual([]);
});
