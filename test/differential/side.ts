import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import type { KubeRequest, KubeResponse, KubeTransport, WatchEvent } from '../../common/kube/transport.ts';
import type { AdmissionHooks } from './admission-hooks.ts';
import type { KubeletObserver } from './stories/kubelet-observer.ts';
import type { Moment } from './stories/moment.ts';

export interface Program {
  readonly image: string;
  readonly command?: readonly string[];
}

/** One of the two that are compared: an API server, as the administrator reaches it, and the kubelets behind it. */
export interface Side {
  readonly clock: Clock;
  readonly transport: KubeTransport;
  /** `sandbox` or `real`. */
  readonly name: string;
  /** Each with a kubelet. */
  readonly nodes: readonly string[];
  /** What runs in containers: `obedient` ends on SIGTERM, `stubborn` does not, `crashing` ends by itself after 0.5 s with 3. */
  readonly programs: Readonly<Record<'obedient' | 'stubborn' | 'crashing', Program>>;
  readonly observer: Pick<KubeletObserver, 'port' | 'answer' | 'calls'>;
  /** Under which the kubelets reach the observer. */
  readonly observerHost: string;
  /** What happened to a Pod's containers, by the runtime's own records. */
  moments(podUid: string): readonly Moment[];
  /** Ends the kubelet of a node as a crash does; another one is started at once. */
  restartKubelet(node: number): Promise<void>;
  /** Makes the node's next Pod get the lowest address that is free. */
  giveLowestAddress(node: number): Promise<void>;
  /** When an address of a node in use is given back. */
  addressFreed(node: number, address: string): Promise<number>;
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
