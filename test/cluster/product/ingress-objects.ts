/** Deployments behind an Ingress, and the Ingress. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const example = join(import.meta.dirname, '../../../examples/nginx-deployment-eni.yaml');

/** A Deployment like the one of the examples, and its Service, which is for Ingresses alone. */
export function backend(name: string, replicas: number): object[] {
  const { spec, ...deployment } = parse(readFileSync(example, 'utf8'));
  const labels = { app: name };
  const template = { ...spec.template, metadata: { ...spec.template.metadata, labels } };
  return [
    {
      ...deployment,
      metadata: { name, labels },
      spec: { ...spec, replicas, selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 80 }] },
    },
  ];
}

/** Named after the certificate. */
export function certificateSecret(certificateId: string) {
  const stringData = { qcloud_cert_id: certificateId };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: certificateId }, stringData };
}

/** All rules over HTTP and over HTTPS. `certificates`: by host, in Secrets named after them. */
export function ingress(
  name: string,
  rules: readonly { readonly host: string; readonly path: string; readonly app: string }[],
  certificates: Readonly<Record<string, string>>,
): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, annotations: { 'kubernetes.io/ingress.rule-mix-both': 'true' } },
    spec: {
      ingressClassName: 'clb-direct',
      tls: Object.entries(certificates).map(([host, secretName]) => ({ hosts: [host], secretName })),
      rules: rules.map(({ host, path, app }) => ({
        host,
        http: { paths: [{ path, pathType: 'Prefix', backend: { service: { name: app, port: { number: 80 } } } }] },
      })),
    },
  };
}
