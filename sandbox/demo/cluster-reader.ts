import type { KubeList, Pod, Service } from '../../common/kube/objects.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Deployment } from '../kube/controllers/workloads.ts';
import { type KubeClient, kubeClient } from '../kube/kube-client.ts';
import { collectionPath } from '../kube/resource-path.ts';

/** The questions that the demonstration asks the API server, as a person at kubectl would. Each answers what is missing. */
export class ClusterReader {
  readonly #client: KubeClient;
  readonly #transport: KubeTransport;
  readonly #signal: AbortSignal;

  constructor(options: { transport: KubeTransport; clock: Parameters<typeof kubeClient>[1] }, signal: AbortSignal) {
    this.#transport = options.transport;
    this.#client = kubeClient(options.transport, options.clock);
    this.#signal = signal;
  }

  async pods(labelSelector: string, namespace = 'default'): Promise<Pod[]> {
    const request = { method: 'GET', path: collectionPath('pods', namespace), query: { labelSelector } } as const;
    const { body } = await this.#transport.request(request, this.#signal);
    return (body as KubeList<Pod>).items;
  }

  /** Undefined when the Service has an address. */
  async externalIp(name: string): Promise<string | undefined> {
    const path = `${collectionPath('services', 'default')}/${name}`;
    const service = await this.#client.get<Service>(path, this.#signal);
    return service.status?.loadBalancer?.ingress?.[0]?.ip;
  }

  async missingExternalIp(name: string): Promise<string | undefined> {
    return (await this.externalIp(name)) === undefined ? `Service ${name} has no EXTERNAL-IP` : undefined;
  }

  async missingReadyPods(labelSelector: string, wanted: number, namespace = 'default'): Promise<string | undefined> {
    const pods = await this.pods(labelSelector, namespace);
    const ready = pods.filter(({ metadata, status }) => {
      const condition = status?.conditions?.find(({ type }) => type === 'Ready');
      return condition?.status === 'True' && metadata.deletionTimestamp === undefined;
    });
    if (ready.length >= wanted) return undefined;
    const problems = pods.flatMap(({ status }) => status?.containerStatuses ?? []).flatMap(problemOf);
    const why = problems.length > 0 ? `; ${[...new Set(problems)].join('; ')}` : '';
    return `${ready.length} of ${wanted} Pods ready${why}`;
  }

  async missingWebhook(name: string): Promise<string | undefined> {
    const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${name}`;
    const { status } = await this.#transport.request({ method: 'GET', path }, this.#signal);
    return status === 200 ? undefined : `MutatingWebhookConfiguration ${name} is not there`;
  }

  /** Undefined when a rolling update is over and its old Pods are gone. */
  async missingRollout(name: string, old: ReadonlySet<string>): Promise<string | undefined> {
    const path = `${collectionPath('deployments', 'default')}/${name}`;
    const { spec, status, metadata } = await this.#client.get<Deployment>(path, this.#signal);
    const remaining = (await this.pods(`app=${name}`)).filter(pod => old.has(pod.metadata.name)).length;
    const wanted = spec.replicas ?? 1;
    const isObserved = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
    const updated = isObserved ? (status?.updatedReplicas ?? 0) : 0;
    const available = status?.availableReplicas ?? 0;
    if (updated >= wanted && available >= wanted && remaining === 0) return undefined;
    return `${name} ${updated} of ${wanted} new, ${remaining} old left`;
  }
}

function problemOf({ state }: NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]): string[] {
  const { reason, message } = state?.waiting ?? {};
  if (reason === undefined || (reason === 'ContainerCreating' && message === undefined)) return [];
  return [`${reason}: ${message?.split('\n').at(-1) ?? ''}`];
}
