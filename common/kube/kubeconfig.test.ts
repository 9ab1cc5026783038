import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadKubeConfig } from './kubeconfig.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-kubeconfig-'));
});

afterEach(() => rm(folder, { recursive: true }));

describe('in a cluster', () => {
  it.each([
    ['10.96.0.1', 'https://10.96.0.1:443'],
    ['fd00::1', 'https://[fd00::1]:443'],
  ])('the ServiceAccount of the Pod is used at %s', async (host, server) => {
    await writeFile(join(folder, 'ca.crt'), 'CA');
    const environment = { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: '443' };
    expect(await loadKubeConfig({ environment, serviceAccountFolder: folder })).toEqual({
      server,
      certificateAuthority: 'CA',
      bearerToken: { type: 'file', path: join(folder, 'token') },
    });
  });

  it('outside of a Pod the error names the flag to use', async () => {
    await expect(loadKubeConfig({ environment: {} })).rejects.toThrow(/--kubeconfig/);
  });
});

describe('a kubeconfig', () => {
  it('gives server, authority and a token file relative to its own folder', async () => {
    const path = await kubeconfig({ 'certificate-authority-data': base64('CA') }, { tokenFile: 'token' });
    expect(await load(path)).toEqual({
      server: 'https://127.0.0.1:6443',
      skipTlsVerify: false,
      certificateAuthority: 'CA',
      bearerToken: { type: 'file', path: join(folder, 'token') },
    });
  });

  it('gives a client certificate, inline or from files', async () => {
    await writeFile(join(folder, 'client.key'), 'KEY');
    const path = await kubeconfig(
      { 'tls-server-name': 'kubernetes', 'insecure-skip-tls-verify': true },
      { 'client-certificate-data': base64('CERT'), 'client-key': 'client.key' },
    );
    expect(await load(path)).toEqual({
      server: 'https://127.0.0.1:6443',
      skipTlsVerify: true,
      tlsServerName: 'kubernetes',
      clientCertificate: { certificate: 'CERT', key: 'KEY' },
    });
  });

  it('is read as YAML', async () => {
    const path = join(folder, 'config');
    await writeFile(
      path,
      [
        'current-context: main',
        'contexts: [{name: main, context: {cluster: c, user: u}}]',
        'clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]',
        'users:\n- name: u\n  user:\n    token: secret # inline',
      ].join('\n'),
    );
    expect(await load(path)).toMatchObject({ bearerToken: { type: 'fixed', token: 'secret' } });
  });

  it.each([
    ['an exec plugin', { exec: { command: 'x' } }, /user 'u' signs in with 'exec', which is not supported/],
    ['no credentials', {}, /user 'u' has no credentials/],
    ['half a certificate', { 'client-key-data': base64('KEY') }, /belong together/],
    [
      'a certificate file that is missing',
      { 'client-certificate': 'gone.pem' },
      /client-certificate: cannot read .*gone.pem/,
    ],
  ])('with %s is refused with the cause', async (_what, user, message) => {
    await expect(load(await kubeconfig({}, user))).rejects.toThrow(message);
  });

  it('without its current context is refused, naming it', async () => {
    const path = join(folder, 'config');
    await writeFile(path, 'current-context: gone');
    await expect(load(path)).rejects.toThrow("there is no context 'gone'");
  });

  it.each([
    ['{', /is not readable as YAML/],
    ['just text', /is no kubeconfig/],
  ])('that holds %s is refused', async (text, message) => {
    const path = join(folder, 'config');
    await writeFile(path, text);
    await expect(load(path)).rejects.toThrow(message);
  });

  it('that does not exist is refused, naming the file', async () => {
    await expect(load(join(folder, 'gone'))).rejects.toThrow(/--kubeconfig: cannot read .*gone/);
  });
});

function load(kubeconfigPath: string) {
  return loadKubeConfig({ kubeconfigPath, environment: {} });
}

async function kubeconfig(cluster: object, user: object): Promise<string> {
  const path = join(folder, 'config');
  const content = {
    'current-context': 'main',
    contexts: [{ name: 'main', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443', ...cluster } }],
    users: [{ name: 'u', user }],
  };
  await writeFile(path, JSON.stringify(content));
  return path;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
