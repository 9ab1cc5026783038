import type { Clock } from '../../common/clock.ts';
import type { RuntimeClient } from './runtime-client.ts';

/** A process id is a fact until its process ends, which is told by `ended` where events come. */
const FRESH_MS = 5_000;
/** Pods whose processes are remembered: those that drain. */
const PODS_MAX = 1_024;

interface Found {
  readonly at: number;
  readonly processIds: readonly number[];
  /** The sandboxes and containers whose processes they are. */
  readonly owners: ReadonlySet<string>;
}

/** Processes that live in a Pod's network namespace, by what the runtime says. */
export class PodProcesses {
  readonly #client: RuntimeClient;
  readonly #clock: Clock;
  readonly #found = new Map<string, Found>();

  constructor({ client, clock }: { client: RuntimeClient; clock: Clock }) {
    this.#client = client;
    this.#clock = clock;
  }

  /** At most FRESH_MS old; empty when nothing of the Pod lives. */
  async of(podUid: string, signal: AbortSignal): Promise<readonly number[]> {
    const known = this.#found.get(podUid);
    if (known && this.#clock.now() - known.at < FRESH_MS) return known.processIds;
    const found = await this.#find(podUid, signal);
    this.#found.delete(podUid);
    if (found.processIds.length > 0) this.#found.set(podUid, found);
    const [oldest] = this.#found.keys();
    if (this.#found.size > PODS_MAX && oldest !== undefined) this.#found.delete(oldest);
    return found.processIds;
  }

  /** A sandbox or container has ended, and its process id may soon be somebody else's. */
  ended(id: string): void {
    for (const [podUid, { owners }] of this.#found) if (owners.has(id)) this.#found.delete(podUid);
  }

  /** The sandbox's process holds the Pod's network namespace; where the runtime names none, a container's lives in it. */
  async #find(podUid: string, signal: AbortSignal): Promise<Found> {
    const at = this.#clock.now();
    const sandboxes = await this.#client.sandboxes({ podUid }, signal);
    const ready = sandboxes.filter(({ isReady }) => isReady).map(({ id }) => id);
    const held = await present(ready, id => this.#client.sandboxProcessId(id, signal));
    if (held.length > 0) return { at, processIds: held, owners: new Set(ready) };
    const containers = await this.#client.containers({ podUid }, signal);
    const living = containers.filter(({ hasExited }) => !hasExited).map(({ id }) => id);
    const processIds = await present(living, id => this.#client.containerProcessId(id, signal));
    return { at, processIds, owners: new Set(living) };
  }
}

/** Without those that ended while they were asked about. @throws what one of them said when none could be asked. */
async function present(
  ids: readonly string[],
  ask: (id: string) => Promise<number | undefined>,
): Promise<readonly number[]> {
  const answers = await Promise.allSettled(ids.map(ask));
  const given = answers.filter(answer => answer.status === 'fulfilled');
  const refusal = answers.find(answer => answer.status === 'rejected');
  if (refusal && given.length === 0) throw refusal.reason;
  return given.map(({ value }) => value).filter(processId => processId !== undefined);
}
