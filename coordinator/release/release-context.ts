import { type Clock, sleep } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import { list, remove } from '../../common/kube/client.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';

/** What every step of a release works with. */
export interface ReleaseContext {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  /** Of clb-direct itself. */
  readonly namespace: string;
  readonly names: InstanceNames;
  /** A line for whoever removes clb-direct. */
  readonly say: (line: string) => void;
  /** Aborts when the time for all of it is over. */
  readonly signal: AbortSignal;
}

const LOOK_INTERVAL_MS = 500;

/** Asks until it holds, for so long at most. @returns whether it held. @throws what `holds` throws, and the signal's reason */
export async function eventually(
  { clock, signal }: ReleaseContext,
  timeoutMs: number,
  holds: () => Promise<boolean>,
): Promise<boolean> {
  const endAtMs = clock.now() + timeoutMs;
  while (!(await holds())) {
    if (clock.now() >= endAtMs) return false;
    await sleep(clock, LOOK_INTERVAL_MS, signal);
  }
  return true;
}

/** Deletes it, and what it owns; nothing happens when it is not there. */
export async function removeIfThere({ transport, signal }: ReleaseContext, path: string): Promise<void> {
  await remove(transport, path, { propagationPolicy: 'Background' }, signal).catch(ignoreMissing);
}

/** None of a kind that the API server does not know. */
export async function listIfKnown<T extends KubeObject>(
  { transport, signal }: ReleaseContext,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<readonly T[]> {
  const listed = await list<T>(transport, path, query, signal).catch(ignoreMissing);
  return listed?.items ?? [];
}

/** @throws everything but the answer that there is no such thing */
export function ignoreMissing(error: unknown): undefined {
  if (error instanceof KubeResponseError && error.status === 404) return undefined;
  throw error;
}
