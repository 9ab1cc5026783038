import type { Clock } from '../../common/clock.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import { READINESS_GATE } from '../../common/names.ts';
import type { Random } from '../../common/random.ts';
import { NAMESPACE } from './objects.ts';

/** A Pod as it was last told, and when what matters was first told; wall milliseconds. */
export interface FollowedPod {
  readonly uid: string;
  readonly name: string;
  readonly app: string;
  readonly node: string;
  readonly address: string | undefined;
  readonly seenAtMs: number;
  readonly readyAtMs: number | undefined;
  readonly gateAtMs: number | undefined;
}

/** Watches the Pods that are measured. */
export class PodFollower {
  readonly #clock: Clock;
  readonly #pods = new Map<string, FollowedPod>();
  /** All that ever were, by UID. */
  readonly #ever = new Map<string, FollowedPod>();
  #open = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Those that are there, by name, in the order in which they came. */
  get pods(): ReadonlyMap<string, FollowedPod> {
    return this.#pods;
  }

  /** Of the app, those that were seen first at this moment or later, gone ones too. */
  since(app: string, atMs: number): FollowedPod[] {
    return [...this.#ever.values()].filter(pod => pod.app === app && pod.seenAtMs >= atMs);
  }

  /** How many of those that are there have an open gate, or have had. */
  get open(): number {
    return this.#open;
  }

  run({ kube, random }: { kube: KubeTransport; random: Random }, signal: AbortSignal): Promise<void> {
    return runReflector<Pod, Pod>(
      {
        transport: kube,
        clock: this.#clock,
        random,
        path: `/api/v1/namespaces/${NAMESPACE}/pods`,
        project: pod => pod,
        onEvent: event => {
          if (event.type === 'replaced') this.#replace(event.items);
          else if (event.type === 'applied') this.#apply(event.item);
          else if (event.type === 'deleted') this.#forget(event.key.slice(NAMESPACE.length + 1));
        },
        onError: error => console.error('Pods were not watched', error),
      },
      signal,
    );
  }

  /** By namespace/name. */
  #replace(items: ReadonlyMap<string, Pod>): void {
    for (const name of this.#pods.keys()) if (!items.has(`${NAMESPACE}/${name}`)) this.#forget(name);
    for (const pod of items.values()) this.#apply(pod);
  }

  #apply({ metadata, spec, status }: Pod): void {
    const { uid = '', name, labels = {} } = metadata;
    const now = this.#clock.wallNow();
    const before = this.#ever.get(uid);
    const when = (type: string) =>
      status?.conditions?.some(each => each.type === type && each.status === 'True') ? now : undefined;
    const pod = {
      uid,
      name,
      app: labels.app ?? '',
      node: spec.nodeName ?? '',
      address: status?.podIP ?? before?.address,
      seenAtMs: before?.seenAtMs ?? now,
      readyAtMs: before?.readyAtMs ?? when('ContainersReady'),
      gateAtMs: before?.gateAtMs ?? when(READINESS_GATE),
    };
    this.#ever.set(uid, pod);
    if (isOpen(this.#pods.get(name))) this.#open -= 1;
    if (isOpen(pod)) this.#open += 1;
    this.#pods.set(name, pod);
  }

  #forget(name: string): void {
    if (isOpen(this.#pods.get(name))) this.#open -= 1;
    this.#pods.delete(name);
  }
}

function isOpen(pod: FollowedPod | undefined): boolean {
  return pod?.gateAtMs !== undefined;
}
