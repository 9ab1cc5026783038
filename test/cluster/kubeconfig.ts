import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { apiUrl } from './addresses.ts';
import type { KeyPair } from './certificates.ts';

/** Writes a kubeconfig that only its owner can read. */
export function writeKubeconfig(file: string, authority: string, signIn: KeyPair | { readonly token: string }): void {
  const cluster = { server: apiUrl, 'certificate-authority-data': encode(authority) };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster }],
    users: [{ name: 'user', user: userOf(signIn) }],
    contexts: [{ name: 'context', context: { cluster: 'cluster', user: 'user' } }],
    'current-context': 'context',
  };
  mkdirSync(dirname(file), { recursive: true });
  // Another process of the same account may be reading it.
  const whole = `${file}.new`;
  writeFileSync(whole, JSON.stringify(config, undefined, 2), { mode: 0o600 });
  renameSync(whole, file);
}

function userOf(signIn: KeyPair | { readonly token: string }): object {
  if ('token' in signIn) return signIn;
  return {
    'client-certificate-data': encode(signIn.certificate),
    'client-key-data': encode(signIn.privateKey),
  };
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
