import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { apiUrl } from './addresses.ts';
import type { KeyPair } from './certificates.ts';

/** Writes a kubeconfig that only its owner can read. */
export function writeKubeconfig(file: string, authority: string, keys: KeyPair): void {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  const cluster = { server: apiUrl, 'certificate-authority-data': encode(authority) };
  const user = {
    'client-certificate-data': encode(keys.certificate),
    'client-key-data': encode(keys.privateKey),
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster }],
    users: [{ name: 'user', user }],
    contexts: [{ name: 'context', context: { cluster: 'cluster', user: 'user' } }],
    'current-context': 'context',
  };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(config, undefined, 2), { mode: 0o600 });
}
