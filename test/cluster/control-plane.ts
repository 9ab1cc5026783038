import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiPort, controlPlaneAddress, etcdPort, serviceSubnet } from './addresses.ts';
import { certificateFiles } from './credentials.ts';
import { names } from './product/names.ts';
import type { ClusterPaths } from './settings.ts';

const etcdUrl = `http://127.0.0.1:${etcdPort}`;
const etcdPeerUrl = `http://127.0.0.1:${etcdPort + 1}`;

/** Turns `{'bind-address': '…'}` into `--bind-address=…`. */
function flags(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

export function etcdCommand(paths: ClusterPaths): string[] {
  return [
    'etcd',
    ...flags({
      name: 'cluster',
      'data-dir': paths.etcd,
      'listen-client-urls': etcdUrl,
      'advertise-client-urls': etcdUrl,
      'listen-peer-urls': etcdPeerUrl,
      'initial-advertise-peer-urls': etcdPeerUrl,
      'initial-cluster': `cluster=${etcdPeerUrl}`,
      // The cluster does not outlive the machine.
      'unsafe-no-fsync': 'true',
    }),
  ];
}

export function apiServerCommand(paths: ClusterPaths): string[] {
  const files = certificateFiles(paths);
  return [
    'kube-apiserver',
    ...flags({
      'etcd-servers': etcdUrl,
      'bind-address': controlPlaneAddress,
      'advertise-address': controlPlaneAddress,
      'secure-port': String(apiPort),
      'tls-cert-file': files.apiServer.certificate,
      'tls-private-key-file': files.apiServer.privateKey,
      'client-ca-file': files.authority,
      'kubelet-client-certificate': files.kubeletClient.certificate,
      'kubelet-client-key': files.kubeletClient.privateKey,
      'kubelet-certificate-authority': files.authority,
      'kubelet-preferred-address-types': 'InternalIP',
      'requestheader-client-ca-file': files.authority,
      'requestheader-allowed-names': 'front-proxy',
      'requestheader-username-headers': 'X-Remote-User',
      'requestheader-group-headers': 'X-Remote-Group',
      'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
      'proxy-client-cert-file': files.aggregation.certificate,
      'proxy-client-key-file': files.aggregation.privateKey,
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': files.tokenPublicKey,
      'service-account-signing-key-file': files.tokenPrivateKey,
      'service-cluster-ip-range': serviceSubnet,
      'authorization-mode': 'Node,RBAC',
      'enable-admission-plugins': 'NodeRestriction',
      'allow-privileged': 'true',
      // Webhooks that are named by Service are called at their endpoints, so no kube-proxy is needed.
      'enable-aggregator-routing': 'true',
      profiling: 'false',
      'audit-policy-file': paths.auditPolicy,
      'audit-log-path': paths.auditLog,
      // Above this many MiB it would go on in another file.
      'audit-log-maxsize': '4096',
    }),
  ];
}

/** What was asked and answered, without contents, and only of ServiceAccounts of the product. */
export function writeAuditPolicy(paths: ClusterPaths): void {
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [{ level: 'Metadata', userGroups: [`system:serviceaccounts:${names.namespace}`] }, { level: 'None' }],
  };
  writeFileSync(paths.auditPolicy, JSON.stringify(policy));
}

export function controllerManagerCommand(paths: ClusterPaths): string[] {
  const files = certificateFiles(paths);
  return [
    'kube-controller-manager',
    ...flags({
      ...clientFlags(join(paths.kubeconfigs, 'controller-manager')),
      'service-account-private-key-file': files.tokenPrivateKey,
      'root-ca-file': files.authority,
      'use-service-account-credentials': 'true',
      // With the default limits the controllers need 5 s to start, with these 1 s.
      'kube-api-qps': '200',
      'kube-api-burst': '400',
    }),
  ];
}

export function schedulerCommand(paths: ClusterPaths): string[] {
  return ['kube-scheduler', ...flags(clientFlags(join(paths.kubeconfigs, 'scheduler')))];
}

function clientFlags(kubeconfig: string): Record<string, string> {
  return {
    kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'leader-elect': 'false',
  };
}
