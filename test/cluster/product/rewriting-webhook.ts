/** A mutating webhook of somebody else, as service meshes have one: it puts its own container before all others. */
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { controlPlaneAddress } from '../addresses.ts';
import { makeAuthority } from '../certificates.ts';
import type { Cluster } from '../harness.ts';

const port = 8444;
const sidecar = {
  name: 'proxy',
  image: 'echo',
  env: [{ name: 'PORT', value: '15001' }],
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
};

interface Review {
  readonly request: { readonly uid: string; readonly object: { spec: { containers: { name: string }[] } } };
}

/** Called for Pods of the namespace until it is removed. @param wallNowMs begins the certificate's life */
export async function startRewritingWebhook(cluster: Cluster, namespace: string, wallNowMs: number) {
  const authority = await makeAuthority(wallNowMs);
  const { certificate, privateKey } = await authority.issue({
    commonName: 'rewriting-webhook',
    addresses: [controlPlaneAddress],
  });
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    void text(request).then(body => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer(JSON.parse(body) as Review)));
    });
  });
  await new Promise<void>(resolve => server.listen(port, controlPlaneAddress, resolve));
  const configuration = webhookConfiguration(namespace, authority.certificate);
  await cluster.kubectl(['apply', '--filename=-'], JSON.stringify(configuration));
  return {
    async remove(): Promise<void> {
      await cluster.kubectl(['delete', 'mutatingwebhookconfiguration', configuration.metadata.name]);
      server.close();
    },
  };
}

function answer({ request: { uid, object } }: Review): object {
  const isThere = object.spec.containers.some(({ name }) => name === sidecar.name);
  const patch = isThere ? [] : [{ op: 'add', path: '/spec/containers/0', value: sidecar }];
  const response = { uid, allowed: true, patchType: 'JSONPatch', patch: encode(JSON.stringify(patch)) };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

/** Named so that it is called after ours: what it adds is then seen only in a second round. */
function webhookConfiguration(namespace: string, authority: string) {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'z-rewriting-webhook' },
    webhooks: [
      {
        name: 'rewriting.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: { url: `https://${controlPlaneAddress}:${port}/`, caBundle: encode(authority) },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
      },
    ],
  };
}

function encode(value: string): string {
  return Buffer.from(value).toString('base64');
}
