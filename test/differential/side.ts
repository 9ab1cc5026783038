import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import type { KubeRequest, KubeResponse, KubeTransport, WatchEvent } from '../../common/kube/transport.ts';
import type { AdmissionHooks } from './admission-hooks.ts';

/** One of the two that are compared: an API server, as the administrator reaches it, and the kubelets behind it. */
export interface Side {
  readonly clock: Clock;
  readonly transport: KubeTransport;
  /** A node with a kubelet. */
  readonly node: string;
  /** An image that ends by itself after 1.5 s with exit code 3 when it is given the command of the story. */
  readonly crashImage: string;
  /** Webhooks that the server reaches. */
  readonly hooks: Pick<AdmissionHooks, 'url' | 'caBundle'>;
  /** Makes the server forget the versions of its beginning. */
  forget(): Promise<void>;
}

/** The namespace that a comparison has for itself on both sides. */
export const namespace = 'differential';

const requestTimeoutMs = 20_000;

export async function ask(
  { clock, transport }: Side,
  method: KubeRequest['method'],
  path: string,
  rest: Omit<KubeRequest, 'method' | 'path'> = {},
): Promise<KubeResponse> {
  using limit = deadline(clock, `${method} ${path}`, requestTimeoutMs);
  return await transport.request({ method, path, ...rest }, limit.signal);
}

/** @throws Error unless the answer is a success. */
export async function succeed(response: Promise<KubeResponse>): Promise<KubeObject> {
  const { status, body } = await response;
  if (status > 299) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body as KubeObject;
}

/** The events of a watch until one of them is `last`, or the server ends it. */
export async function watchUntil(
  { clock, transport }: Side,
  path: string,
  query: Readonly<Record<string, string>>,
  last: (event: WatchEvent) => boolean,
  accept?: string,
): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  const request: KubeRequest = { method: 'GET', path, query, ...(accept !== undefined && { accept }) };
  using limit = deadline(clock, `watching ${path}`, requestTimeoutMs);
  for await (const event of transport.watch(request, limit.signal)) {
    events.push(event);
    if (last(event)) break;
  }
  return events;
}

export const paths = {
  configMaps: `/api/v1/namespaces/${namespace}/configmaps`,
  pods: `/api/v1/namespaces/${namespace}/pods`,
  services: `/api/v1/namespaces/${namespace}/services`,
  deployments: `/apis/apps/v1/namespaces/${namespace}/deployments`,
  serviceAccounts: `/api/v1/namespaces/${namespace}/serviceaccounts`,
  ingresses: `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`,
  leases: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
  serviceConfigs: `/apis/cloud.tencent.com/v1alpha1/namespaces/${namespace}/tkeserviceconfigs`,
  webhooks: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  tokenReviews: '/apis/authentication.k8s.io/v1/tokenreviews',
} as const;
