import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiServiceAddress, controlPlaneAddress, nodeAddress } from './addresses.ts';
import { type Authority, type KeyPair, makeAuthority, makeTokenKeys } from './certificates.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { type ClusterPaths, type ClusterSettings, nodeNames } from './settings.ts';

/** Files in the certificates' folder by what they are for. */
export function certificateFiles(paths: ClusterPaths) {
  const file = (name: string) => join(paths.certificates, name);
  const pair = (name: string) => ({ certificate: file(`${name}.crt`), privateKey: file(`${name}.key`) });
  return {
    authority: file('ca.crt'),
    tokenPrivateKey: file('service-account.key'),
    tokenPublicKey: file('service-account.pub'),
    apiServer: pair('apiserver'),
    kubeletClient: pair('apiserver-kubelet'),
    aggregation: pair('aggregation'),
    kubelet: (node: string) => pair(node),
  };
}

/** Makes the authority, every certificate and every kubeconfig of the cluster. The authority's key is not kept. */
export async function writeCredentials(settings: ClusterSettings, paths: ClusterPaths, nowMs: number): Promise<void> {
  const files = certificateFiles(paths);
  for (const folder of [paths.certificates, paths.kubeconfigs]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authority = await makeAuthority(nowMs);
  const tokenKeys = await makeTokenKeys();
  writeFileSync(files.authority, authority.certificate);
  writeFileSync(files.tokenPublicKey, tokenKeys.publicKey);
  writeFileSync(files.tokenPrivateKey, tokenKeys.privateKey, { mode: 0o600 });
  await writeControlPlaneCredentials(paths, authority);
  await Promise.all(nodeNames(settings).map(node => writeNodeCredentials(paths, authority, node)));
}

async function writeControlPlaneCredentials(paths: ClusterPaths, authority: Authority): Promise<void> {
  const files = certificateFiles(paths);
  const dnsNames = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const addresses = [controlPlaneAddress, apiServiceAddress, '127.0.0.1'];
  writePair(files.apiServer, await authority.issue({ commonName: 'kube-apiserver', dnsNames, addresses }));
  const kubeletClient = { commonName: 'kube-apiserver-kubelet-client', organization: 'system:masters' };
  writePair(files.kubeletClient, await authority.issue(kubeletClient));
  writePair(files.aggregation, await authority.issue({ commonName: 'front-proxy' }));
  const users = [
    { file: 'admin', commonName: 'admin', organization: 'system:masters' },
    { file: 'controller-manager', commonName: 'system:kube-controller-manager' },
    { file: 'scheduler', commonName: 'system:kube-scheduler' },
  ];
  for (const { file, ...request } of users) {
    writeKubeconfig(join(paths.kubeconfigs, file), authority.certificate, await authority.issue(request));
  }
}

async function writeNodeCredentials(paths: ClusterPaths, authority: Authority, node: string): Promise<void> {
  const request = { commonName: `system:node:${node}`, organization: 'system:nodes' };
  const keys = await authority.issue({ ...request, dnsNames: [node], addresses: [nodeAddress(node)] });
  writePair(certificateFiles(paths).kubelet(node), keys);
  writeKubeconfig(paths.node(node).kubeconfig, authority.certificate, keys);
}

function writePair(files: KeyPair, keys: KeyPair): void {
  writeFileSync(files.certificate, keys.certificate);
  writeFileSync(files.privateKey, keys.privateKey, { mode: 0o600 });
}
