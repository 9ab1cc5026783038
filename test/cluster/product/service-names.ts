/**
 * In the place of cluster DNS: headless Services by their EndpointSlices, `<service>.<namespace>.svc.cluster.local`. Nothing
 * else has a name.
 */
import { createSocket } from 'node:dgram';
import { list } from '../../../common/kube/client.ts';
import { httpsKubeTransport } from '../../../common/kube/https-transport.ts';
import { loadKubeConfig } from '../../../common/kube/kubeconfig.ts';
import type { KubeObject } from '../../../common/kube/objects.ts';
import { controlPlaneAddress } from '../addresses.ts';
import type { Cluster } from '../harness.ts';
import { answerName, questionOf } from './name-answers.ts';

const dnsPort = 53;
const serviceName = /^([^.]+)\.([^.]+)\.svc\.cluster\.local$/;

interface EndpointSlice extends KubeObject {
  readonly endpoints?: readonly { readonly addresses: readonly string[] }[];
}

/** Answers until the signal aborts. */
export async function serveServiceNames(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const configuration = await loadKubeConfig({ kubeconfigPath: cluster.paths.kubeconfig, environment: {} });
  const transport = httpsKubeTransport(configuration);
  const addressesOf = async (name: string): Promise<readonly string[]> => {
    const [, service, namespace] = serviceName.exec(name) ?? [];
    if (service === undefined) return [];
    const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    const query = { labelSelector: `kubernetes.io/service-name=${service}` };
    const { items } = await list<EndpointSlice>(transport, path, query, signal);
    return items.flatMap(({ endpoints = [] }) => endpoints.flatMap(({ addresses }) => addresses));
  };
  const socket = createSocket('udp4', (message, { address, port }) => {
    const question = questionOf(message);
    if (!question) return;
    const send = (addresses: readonly string[]) => {
      if (!signal.aborted) socket.send(answerName(question, addresses), port, address);
    };
    // Who hears nothing asks again.
    addressesOf(question.name).then(send, () => {});
  });
  signal.addEventListener('abort', () => socket.close(), { once: true });
  await new Promise<void>(resolve => socket.bind(dnsPort, controlPlaneAddress, resolve));
}
