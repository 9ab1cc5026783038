import type { Clock } from '../../common/clock.ts';
import { get } from '../../common/kube/client.ts';
import type { KubeObject, ObjectMeta, OwnerReference } from '../../common/kube/objects.ts';
import { podPath, resourcePath } from '../../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import type { WorkQueueObserver } from '../../common/work-queue.ts';
import type { EventSubject } from './event-recorder.ts';
import { LatestWork } from './latest-work.ts';

/** Whose Pods are spoken of. */
export interface OwnerQuestion {
  readonly podUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly onOwner: (owner: EventSubject) => void;
}

export interface PodOwnersOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (question: OwnerQuestion, error: unknown) => void;
  readonly observer?: WorkQueueObserver;
}

const CONCURRENCY = 2;
const QUESTIONS_MAX = 1_000;
/** Of the Pod and of what made it, together. */
const TIMEOUT_MS = 5_000;
const BACKOFF = { initialMs: 1_000, maximumMs: 60_000 };
/** Makes Pods for something else, which is what a user knows. */
const GO_BETWEENS: Readonly<Record<string, { readonly group: string; readonly resource: string }>> = {
  ReplicaSet: { group: 'apps', resource: 'replicasets' },
  Job: { group: 'batch', resource: 'jobs' },
};
const REFUSALS_OF_READING = [403, 404];

/** Finds the object that a user would change to have other Pods: the Deployment behind a ReplicaSet, the CronJob behind a Job. */
export class PodOwners {
  readonly #options: PodOwnersOptions;
  readonly #work: LatestWork<OwnerQuestion>;

  constructor(options: PodOwnersOptions) {
    this.#options = options;
    this.#work = new LatestWork<OwnerQuestion>({
      clock: options.clock,
      random: options.random,
      what: 'owner of Pod',
      keysMax: QUESTIONS_MAX,
      concurrency: CONCURRENCY,
      backoff: BACKOFF,
      timeoutMs: TIMEOUT_MS,
      work: (question, signal) => this.#find(question, signal),
      onError: options.onError,
      ...(options.observer && { observer: options.observer }),
    });
  }

  /** Queues; the owner comes by `onOwner`, unless the Pod is gone; several questions about a Pod are one. Returns false when too many questions wait. */
  ask(question: OwnerQuestion): boolean {
    const earlier = this.#work.pending(question.podUid);
    const onOwner = (owner: EventSubject) => {
      earlier?.onOwner(owner);
      question.onOwner(owner);
    };
    return this.#work.submit(question.podUid, { ...question, onOwner });
  }

  /** Asks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#work.run(signal);
  }

  async #find({ podUid, namespace, name, onOwner }: OwnerQuestion, signal: AbortSignal): Promise<void> {
    const pod = await this.#read(podPath(namespace, name), signal);
    if (pod?.uid !== podUid) return;
    const maker = controllerOf(pod);
    const owner = maker && (await this.#above(namespace, maker, signal));
    signal.throwIfAborted();
    onOwner(owner ?? { apiVersion: 'v1', kind: 'Pod', namespace, name, uid: podUid });
  }

  /** What made the maker of the Pod, where that is known to be made itself. */
  async #above(namespace: string, maker: OwnerReference, signal: AbortSignal): Promise<EventSubject> {
    const { apiVersion, kind, name, uid } = maker;
    const itself = { apiVersion, kind, namespace, name, uid };
    const [group = '', version = ''] = apiVersion.split('/');
    const goBetween = GO_BETWEENS[kind];
    if (goBetween?.group !== group) return itself;
    const path = resourcePath({ ...goBetween, version, namespace, name });
    const found = await this.#read(path, signal);
    const above = found && controllerOf(found);
    return above
      ? { apiVersion: above.apiVersion, kind: above.kind, namespace, name: above.name, uid: above.uid }
      : itself;
  }

  /** Undefined when it is gone, or may not be read. */
  async #read(path: string, signal: AbortSignal): Promise<ObjectMeta | undefined> {
    try {
      return (await get<KubeObject>(this.#options.transport, path, signal)).metadata;
    } catch (error) {
      if (error instanceof KubeResponseError && REFUSALS_OF_READING.includes(error.status)) return undefined;
      throw error;
    }
  }
}

function controllerOf({ ownerReferences = [] }: ObjectMeta): OwnerReference | undefined {
  return ownerReferences.find(({ controller }) => controller === true);
}
