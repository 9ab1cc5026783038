export interface KubeconfigOptions {
  readonly url: string;
  readonly caCertificatePem: string;
  readonly token: string;
  /** Shown by `kubectl config get-contexts`. */
  readonly name?: string;
}

/** A kubeconfig file with one cluster, one user and one context. */
export function kubeconfigYaml({
  url,
  caCertificatePem,
  token,
  name = 'clb-direct-sandbox',
}: KubeconfigOptions): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: ${name}
    cluster:
      server: ${url}
      certificate-authority-data: ${Buffer.from(caCertificatePem).toString('base64')}
users:
  - name: ${name}
    user:
      token: ${token}
contexts:
  - name: ${name}
    context:
      cluster: ${name}
      user: ${name}
current-context: ${name}
`;
}
