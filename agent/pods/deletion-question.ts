import { type Clock, sleep } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { get } from '../../common/kube/client.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { podPath } from '../../common/kube/paths.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { PodRecord } from '../../common/pod-record.ts';
import { deletionOf } from '../../common/pods/project-pod.ts';
import type { PodChange, PodTable } from './pod-table.ts';

export interface DeletionQuestionOptions {
  readonly kube: KubeTransport;
  readonly clock: Clock;
  readonly table: PodTable;
  readonly onChange: (change: PodChange) => void;
  /** The API server gave no answer; it is asked again. */
  readonly onError: (error: unknown) => void;
}

/** The watch is mostly faster than the kubelet's call, or a few milliseconds behind it. */
const WATCH_LAG_MS = 200;
const ASK_TIMEOUT_MS = 1_000;
const ASK_INTERVAL_MS = 500;
/** A call without deletion is held for five seconds; after that the answer comes too late. */
const QUESTIONS_MAX = 4;

/**
 * Finds out if a Pod whose preStop is called is being deleted, when the watch has not told: a watch that broke and waits to
 * be opened again may be half a minute behind, and what is held as a restart gets only a few seconds and weight 0 under the
 * brake. The API server is asked itself, until it answers.
 */
export async function askForDeletion(
  options: DeletionQuestionOptions,
  pod: PodRecord,
  signal: AbortSignal,
): Promise<void> {
  const { clock, table } = options;
  for (let asked = 0; asked < QUESTIONS_MAX; asked += 1) {
    await sleep(clock, asked === 0 ? WATCH_LAG_MS : ASK_INTERVAL_MS, signal).catch(() => undefined);
    const known = table.findByUid(pod.uid);
    if (signal.aborted || !known || known.deletion) return;
    if (await hasAnswered(options, pod, signal)) return;
  }
}

async function hasAnswered(options: DeletionQuestionOptions, pod: PodRecord, signal: AbortSignal): Promise<boolean> {
  const { kube, clock, table } = options;
  using limit = deadline(clock, `asking for Pod ${pod.namespace}/${pod.name}`, ASK_TIMEOUT_MS, signal);
  try {
    const { metadata } = await get<Pod>(kube, podPath(pod.namespace, pod.name), limit.signal);
    const deletion = metadata.uid === pod.uid ? deletionOf(metadata) : undefined;
    if (deletion) options.onChange(table.deletionSeen(pod.uid, deletion, clock.wallNow()));
    return true;
  } catch (error) {
    if (!signal.aborted) options.onError(error);
    return false;
  }
}
