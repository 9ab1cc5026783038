import { aborted } from '../../../common/aborted.ts';
import { sleep } from '../../../common/clock.ts';
import type { Condition, Container, ContainerStatus, Pod } from '../../../common/kube/objects.ts';
import { hasStatus } from '../kube-client.ts';
import { objectPath } from '../resource-path.ts';
import { parseTimestamp } from '../timestamp.ts';
import type { AddressPool } from './address-pool.ts';
import type { LeftContainer } from './container-runtime.ts';
import { newContainerView, statusOf, waiting } from './container-state.ts';
import { ContainerWorker } from './container-worker.ts';
import { drawMs, type KubeletContext } from './kubelet-context.ts';
import type { KubeletMoment } from './kubelet-record.ts';
import { podStatus } from './pod-status.ts';
import { StatusWriter } from './status-writer.ts';
import { deletionGraceSeconds } from './termination.ts';

const SANDBOX_RETRY_MS = 1_000;
const REMOVAL_RETRY_MS = 1_000;

export interface PodWorkerOptions {
  readonly context: KubeletContext;
  readonly addresses: AddressPool;
  readonly pod: Pod;
}

/** One Pod of the node, from its assignment to the removal of its object. */
export class PodWorker {
  readonly #context: KubeletContext;
  readonly #addresses: AddressPool;
  readonly #writer: StatusWriter;
  /** What runs already, since a kubelet before this one has started it. */
  readonly #left: readonly LeftContainer[];
  readonly #startedAtMs: number;
  /** Aborts when the Pod's containers shall end. */
  readonly #ending = new AbortController();
  #pod: Pod;
  #podIp: string | undefined;
  #containers: readonly ContainerWorker[] = [];
  /** As they were when the Pod's end began; undefined before. */
  #atEnd: readonly ContainerStatus[] | undefined;
  /** Why the Pod's containers cannot be made yet. */
  #problem: string | undefined;
  #isObjectGone = false;

  constructor({ context, addresses, pod }: PodWorkerOptions) {
    this.#context = context;
    this.#addresses = addresses;
    this.#pod = pod;
    this.#left = context.containers.left?.(pod.metadata.uid ?? '') ?? [];
    const [running] = this.#left;
    this.#podIp = running?.spec.podIp;
    if (running && !pod.spec.hostNetwork) addresses.claim(running.spec.podIp);
    this.#startedAtMs = parseTimestamp(pod.status?.startTime) || context.clock.wallNow();
    this.#writer = new StatusWriter({ context, pod: () => this.#pod, status: written => this.#status(written) });
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The API server has a newer version of the same Pod. */
  update(pod: Pod): void {
    this.#pod = pod;
    this.#writer.changed();
    if (pod.metadata.deletionTimestamp) this.#ending.abort();
  }

  /** The object is gone, or its name belongs to another Pod by now. */
  vanish(): void {
    this.#isObjectGone = true;
    this.#ending.abort();
  }

  /** Resolves when nothing of the Pod is left on the node and its object is gone, or the kubelet stops; never rejects. */
  async run(): Promise<void> {
    const { signal, log } = this.#context;
    const writing = new AbortController();
    const written = this.#writer.run(AbortSignal.any([signal, writing.signal]));
    if (this.#pod.metadata.deletionTimestamp) this.#ending.abort();
    try {
      await Promise.race([this.#lifetime(), aborted(signal)]);
    } catch (error) {
      if (!signal.aborted) log('Pod worker failed', { pod: this.#pod.metadata.name, error });
    }
    writing.abort();
    await written;
  }

  async #lifetime(): Promise<void> {
    const { signal } = this.#context;
    await this.#live();
    await aborted(this.#ending.signal);
    await this.#lag();
    if (!signal.aborted && !this.#isObjectGone) await this.#removeObject();
  }

  /** Everything between the Pod's assignment and the exit of its last container. */
  async #live(): Promise<void> {
    const { signal, volumes, containers } = this.#context;
    if (isOver(this.#pod)) return;
    await this.#lag();
    const directories = await this.#makeSandbox();
    if (directories) {
      this.#containers = this.#pod.spec.containers.map(container => this.#containerWorker(container, directories));
      this.#writer.changed();
      const ended = this.#endContainersOnDeletion();
      await Promise.all(this.#containers.map(worker => worker.run()));
      ended.cancel();
    }
    const uid = this.#pod.metadata.uid ?? '';
    containers.removePod?.(uid);
    await volumes.release(uid);
    if (!signal.aborted) this.#releaseAddress();
  }

  #containerWorker(container: Container, volumes: ReadonlyMap<string, string>): ContainerWorker {
    const onChange = () => this.#writer.changed();
    const podIp = this.#podIp ?? '';
    const left = this.#left.find(({ spec }) => spec.containerName === container.name)?.container;
    return new ContainerWorker({ context: this.#context, pod: this.#pod, container, left, podIp, volumes, onChange });
  }

  /** Each container gets the grace period that holds when the kubelet acts. */
  #endContainersOnDeletion(): { cancel(): void } {
    const end = async () => {
      await this.#lag();
      const graceSeconds = deletionGraceSeconds(this.#pod);
      this.#atEnd = this.#containers.map(worker => worker.status());
      for (const worker of this.#containers) worker.end(graceSeconds);
    };
    const onAbort = () => void end();
    if (this.#ending.signal.aborted) onAbort();
    else this.#ending.signal.addEventListener('abort', onAbort, { once: true });
    return { cancel: () => this.#ending.signal.removeEventListener('abort', onAbort) };
  }

  /** Volumes and address, tried until they are there; undefined when the Pod ended first. */
  async #makeSandbox(): Promise<ReadonlyMap<string, string> | undefined> {
    const { volumes, signal, clock } = this.#context;
    const isThere = this.#left.length > 0;
    const stop = isThere ? signal : AbortSignal.any([signal, this.#ending.signal]);
    while (!stop.aborted) {
      try {
        if (this.#pod.spec.initContainers?.length) throw new Error("the sandbox's kubelet runs no init containers");
        const directories = await volumes.prepare(this.#pod, stop);
        this.#assignAddress();
        return directories;
      } catch (error) {
        if (!stop.aborted) this.#tellProblem(error instanceof Error ? error.message : String(error));
        await sleep(clock, SANDBOX_RETRY_MS, stop).catch(() => undefined);
      }
    }
    return undefined;
  }

  #tellProblem(message: string): void {
    if (this.#problem === message) return;
    this.#problem = message;
    this.#context.event(this.#pod, 'Warning', 'FailedCreatePodSandBox', message);
    this.#writer.changed();
  }

  #assignAddress(): void {
    if (this.#podIp !== undefined) return;
    const { node } = this.#context;
    this.#podIp = this.#pod.spec.hostNetwork ? node.address : this.#addresses.take();
    if (this.#podIp === undefined) throw new Error(`node ${node.name} has no free address left in ${node.podCidr}`);
    this.#record({ type: 'addressAssigned' });
  }

  /** The address goes before the object does: the next Pod may have it at once. */
  #releaseAddress(): void {
    if (this.#podIp === undefined) return;
    this.#record({ type: 'addressReleased' });
    if (!this.#pod.spec.hostNetwork) this.#addresses.give(this.#podIp);
  }

  async #removeObject(): Promise<void> {
    const { client, clock, signal, log } = this.#context;
    const options = { gracePeriodSeconds: 0, preconditions: { uid: this.#pod.metadata.uid } };
    while (!signal.aborted && !this.#isObjectGone) {
      try {
        await this.#writer.flush(signal);
        await client.delete(objectPath('pods', this.#pod), options, signal);
        break;
      } catch (error) {
        if (hasStatus(error, 404, 409)) break;
        log('Pod could not be removed', { pod: this.#pod.metadata.name, error });
        await sleep(clock, REMOVAL_RETRY_MS, signal).catch(() => undefined);
      }
    }
    this.#record({ type: 'removed' });
  }

  #status(written: readonly Condition[]) {
    const { clock, node } = this.#context;
    return podStatus({
      pod: this.#pod,
      containers: this.#containerStatuses(),
      podIp: this.#podIp,
      nodeAddress: node.address,
      written,
      startedAtMs: this.#startedAtMs,
      nowMs: clock.wallNow(),
    });
  }

  #containerStatuses() {
    if (this.#containers.length > 0) return this.#toldStatuses(this.#containers.map(worker => worker.status()));
    if (isOver(this.#pod)) return this.#pod.status?.containerStatuses ?? [];
    const view = { ...newContainerView(0), ...waiting('ContainerCreating', this.#problem) };
    return this.#pod.spec.containers.map(container => statusOf(container, view));
  }

  /** While a Pod ends, the exit of a container is told together with the last one's; readiness is told at once. */
  #toldStatuses(statuses: readonly ContainerStatus[]): readonly ContainerStatus[] {
    if (statuses.every(({ state }) => state?.terminated)) return statuses;
    return statuses.map((status, at) => {
      const before = this.#atEnd?.[at];
      return before && status.state?.terminated ? before : status;
    });
  }

  #record(moment: KubeletMoment): void {
    this.#context.record(this.#pod, this.#podIp, moment);
  }

  async #lag(): Promise<void> {
    const { clock, random, timing, signal } = this.#context;
    await sleep(clock, drawMs(random, timing.syncMs), signal).catch(() => undefined);
  }
}

/** Before this kubelet ever saw it. */
function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
