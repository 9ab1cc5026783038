import { abortable } from '../../common/abortable.ts';
import { type Clock, sleep } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { RuntimeSource } from '../runtime/source.ts';
import type { PodChange, PodTable } from './pod-table.ts';

export interface AbsenceProverOptions {
  readonly clock: Clock;
  readonly runtime: RuntimeSource;
  readonly table: PodTable;
  readonly onChange: (change: PodChange) => void;
  /** The runtime could not be asked; the Pod stays reported. */
  readonly onError: (error: unknown) => void;
  /** The prover goes on; the longest time between two calls is that of one question. */
  readonly onRound: () => void;
}

const ASK_INTERVAL_MS = 1_000;
const ASK_TIMEOUT_MS = 5_000;

/**
 * Asks the runtime about Pods that a consistent list did not hold, until it has no sandbox of them either: only both
 * together prove that a Pod is gone (law L1).
 */
export async function runAbsenceProver(options: AbsenceProverOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    options.onRound();
    for (const uid of options.table.absentUids()) await askAbout(uid, options, signal);
    await sleep(options.clock, ASK_INTERVAL_MS, signal).catch(() => undefined);
  }
}

async function askAbout(uid: string, options: AbsenceProverOptions, signal: AbortSignal): Promise<void> {
  using limit = deadline(options.clock, `asking the runtime about Pod ${uid}`, ASK_TIMEOUT_MS, signal);
  try {
    const hasSandbox = await abortable(options.runtime.hasSandbox(uid), limit.signal);
    if (!hasSandbox) options.onChange(options.table.confirmGone(uid));
  } catch (error) {
    if (!signal.aborted) options.onError(error);
  } finally {
    options.onRound();
  }
}
