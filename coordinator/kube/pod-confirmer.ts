import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import { get } from '../../common/kube/client.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { podPath } from '../../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import type { WorkQueueObserver } from '../../common/work-queue.ts';
import { LatestWork } from './latest-work.ts';
import { type PodProfile, podProfile } from './pod-profile.ts';

/** A Pod that somebody speaks of: an agent, or a mark in the cloud. */
export interface PodQuestion {
  readonly podUid: string;
  readonly namespace: string;
  readonly name: string;
}

/** What a consistent GET said. The Pod found under that name may have another UID. */
export type PodAnswer =
  | { readonly type: 'missing' }
  | {
      readonly type: 'found';
      readonly uid: string;
      readonly nodeName: string | undefined;
      /** All of status.podIPs, in order. */
      readonly addresses: readonly string[];
      readonly labels: Readonly<Record<string, string>>;
      /** All of them. */
      readonly annotations: Readonly<Record<string, string>>;
      readonly phase: string | undefined;
      readonly isDeleting: boolean;
      readonly profile: PodProfile;
    };

export interface PodConfirmerOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly names: InstanceNames;
  readonly onAnswer: (question: PodQuestion, answer: PodAnswer) => void;
  readonly onError: (question: PodQuestion, error: unknown) => void;
  readonly observer?: WorkQueueObserver;
}

const CONCURRENCY = 50;
const QUESTIONS_MAX = 200_000;
const GET_TIMEOUT_MS = 2_000;
const BACKOFF = { initialMs: 100, maximumMs: 10_000 };
/** An answer holds this long: who asks again earlier is not answered again. */
export const POD_ANSWER_HOLDS_MS = 500;

/** Asks the API server about single Pods, consistently, so that no cache and no agent has to be believed (laws L1, L12). */
export class PodConfirmer {
  readonly #options: PodConfirmerOptions;
  readonly #work: LatestWork<PodQuestion>;
  /** When each Pod was answered, by UID, the oldest first. */
  readonly #answeredAt = new Map<string, number>();

  constructor(options: PodConfirmerOptions) {
    this.#options = options;
    this.#work = new LatestWork<PodQuestion>({
      clock: options.clock,
      random: options.random,
      what: 'reading Pod',
      keysMax: QUESTIONS_MAX,
      concurrency: CONCURRENCY,
      backoff: BACKOFF,
      timeoutMs: GET_TIMEOUT_MS,
      work: (question, signal) => this.#ask(question, signal),
      onError: options.onError,
      ...(options.observer && { observer: options.observer }),
    });
  }

  /** Queues; the answer comes by `onAnswer`. Returns false when too many questions wait. */
  ask(question: PodQuestion): boolean {
    if (this.#work.pending(question.podUid)) return true;
    const answeredAt = this.#answeredAt.get(question.podUid);
    if (answeredAt !== undefined && this.#options.clock.now() - answeredAt < POD_ANSWER_HOLDS_MS) return true;
    return this.#work.submit(question.podUid, question);
  }

  /** Asks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#work.run(signal);
  }

  async #ask(question: PodQuestion, signal: AbortSignal): Promise<void> {
    const answer = await readPod(this.#options, question, signal);
    signal.throwIfAborted();
    this.#note(question.podUid);
    this.#options.onAnswer(question, answer);
  }

  /** Only answers that still hold are kept, so there are never more than were given in that time. */
  #note(podUid: string): void {
    const now = this.#options.clock.now();
    for (const [uid, answeredAt] of this.#answeredAt) {
      if (now - answeredAt < POD_ANSWER_HOLDS_MS) break;
      this.#answeredAt.delete(uid);
    }
    this.#answeredAt.delete(podUid);
    this.#answeredAt.set(podUid, now);
  }
}

async function readPod(
  { transport, names }: Pick<PodConfirmerOptions, 'transport' | 'names'>,
  { namespace, name }: PodQuestion,
  signal: AbortSignal,
): Promise<PodAnswer> {
  try {
    return answerOf(await get<Pod>(transport, podPath(namespace, name), signal), names);
  } catch (error) {
    if (error instanceof KubeResponseError && error.status === 404) return { type: 'missing' };
    throw error;
  }
}

function answerOf(pod: Pod, names: InstanceNames): PodAnswer {
  const { metadata, spec, status } = pod;
  return {
    type: 'found',
    uid: metadata.uid ?? '',
    nodeName: spec.nodeName,
    addresses: status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : []),
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    phase: status?.phase,
    isDeleting: metadata.deletionTimestamp !== undefined,
    profile: podProfile(pod, names),
  };
}
