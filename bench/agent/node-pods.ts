import { HOOK_PATH, HOOK_PORT } from '../../common/names.ts';
import { type KubeClient, MERGE_PATCH } from '../../sandbox/kube/kube-client.ts';
import type { NodeContainers } from './container-process.ts';
import { containerIdOf, type PodName } from './pod-name.ts';

export interface NodePodsOptions {
  readonly client: KubeClient;
  readonly nodeName: string;
  readonly containers: NodeContainers;
  readonly signal: AbortSignal;
}

const NAMESPACE = 'default';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
/** So that a Pod is about as long as real ones are, 6 KiB: the larger half of those is what nobody reads. */
const UNREAD_FIELDS = 40;

/** The Pods of one node, at the API server and its runtime, as their kubelet would have them: hooked, on ENIs, ready. */
export class NodePods {
  readonly #client: KubeClient;
  readonly #nodeName: string;
  readonly #containers: NodeContainers;
  readonly #signal: AbortSignal;
  readonly #pods: PodName[] = [];
  #created = 0;

  constructor({ client, nodeName, containers, signal }: NodePodsOptions) {
    this.#client = client;
    this.#nodeName = nodeName;
    this.#containers = containers;
    this.#signal = signal;
  }

  get pods(): readonly PodName[] {
    return this.#pods;
  }

  async fill(count: number): Promise<void> {
    while (this.#pods.length < count) await this.#create();
  }

  /** The oldest Pod goes, and one with another name and address comes: three writes at the API server. */
  async replaceOldest(): Promise<void> {
    const oldest = this.#pods.shift();
    if (oldest) await this.#remove(oldest);
    await this.#create();
  }

  async #remove(pod: PodName): Promise<void> {
    this.#containers.remove(pod);
    await this.#client.delete(`${PODS}/${pod.name}`, { gracePeriodSeconds: 0 }, this.#signal);
  }

  async #create(): Promise<void> {
    const number = this.#created++;
    const name = `web-${this.#nodeName}-${number}`;
    const address = `10.1.${Math.floor(number / 250) % 250}.${1 + (number % 250)}`;
    const created = await this.#client.create<{ metadata: { uid: string } }>(PODS, this.#pod(name), this.#signal);
    const pod = { name, uid: created.metadata.uid };
    await this.#patchStatus(name, {
      phase: 'Running',
      podIP: address,
      podIPs: [{ ip: address }],
      conditions: CONDITIONS,
      containerStatuses: [
        {
          name: 'web',
          containerID: `containerd://${containerIdOf(pod)}`,
          ready: true,
          restartCount: 0,
          state: { running: {} },
        },
      ],
    });
    this.#containers.start(pod);
    this.#pods.push(pod);
  }

  async #patchStatus(name: string, status: object): Promise<void> {
    await this.#client.patch(`${PODS}/${name}/status`, MERGE_PATCH, { status }, this.#signal);
  }

  #pod(name: string): object {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: NAMESPACE,
        labels: { app: 'web', 'pod-template-hash': '7c5ddbdf54' },
        annotations: { 'tke.cloud.tencent.com/networks': 'tke-route-eni' },
      },
      spec: {
        nodeName: this.#nodeName,
        containers: [
          {
            name: 'web',
            image: 'registry.example.com/shop/web:1.2.3',
            ports: [{ name: 'http', containerPort: 8080 }],
            lifecycle: { preStop: { httpGet: { port: HOOK_PORT, path: HOOK_PATH } } },
            resources: { limits: { 'tke.cloud.tencent.com/eni-ip': '1' } },
            env: Array.from({ length: UNREAD_FIELDS }, (_, index) => ({
              name: `SETTING_${index}`,
              value: `what the application reads, and this product does not: ${index}`,
            })),
          },
        ],
      },
    };
  }
}

const CONDITIONS = ['Initialized', 'ContainersReady', 'Ready'].map(type => ({ type, status: 'True' }));
