import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { AgentMetrics } from '../metrics.ts';
import { PodProcesses } from './pod-processes.ts';
import type { ProcRuntime } from './proc-runtime.ts';
import type { RuntimeChoice } from './runtime-choice.ts';
import type { RuntimeClient } from './runtime-client.ts';
import { RuntimeFollower } from './runtime-follower.ts';
import type { ContainerExit, RuntimeSource } from './source.ts';

export interface ContainerRuntimeOptions {
  readonly client: RuntimeClient;
  readonly choice: RuntimeChoice;
  /** What answers where no runtime does. */
  readonly processes: ProcRuntime;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
}

const CALL_TIMEOUT_MS = 2_000;

/**
 * The node's container runtime. While it does not answer, /proc tells of processes; that a Pod or a container is gone is
 * told by /proc only where no runtime ever answered.
 */
export function containerRuntime(options: ContainerRuntimeOptions): RuntimeSource {
  const { client, processes, clock } = options;
  const podProcesses = new PodProcesses(options);
  let hasAnswered = false;
  const ask = async <T>(what: string, call: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    using limit = deadline(clock, what, CALL_TIMEOUT_MS);
    const answer = await call(limit.signal);
    hasAnswered = true;
    return answer;
  };
  return {
    processIds: podUid =>
      ask('asking the runtime for processes', signal => podProcesses.of(podUid, signal)).catch(() =>
        processes.processIds(podUid),
      ),
    hasSandbox: podUid =>
      ask('asking the runtime for a sandbox', signal => livesOn(client, podUid, signal)).catch(error => {
        if (hasAnswered) throw error;
        return processes.hasSandbox(podUid);
      }),
    endedAmong: containers =>
      ask('listing all containers', async signal => {
        const listed = await client.containers({}, signal);
        const running = new Set(listed.filter(({ hasExited }) => !hasExited).map(({ id }) => id));
        return containers.filter(({ containerId }) => !running.has(containerId));
      }).catch(error => {
        if (hasAnswered) throw error;
        return processes.endedAmong(containers);
      }),
    runningContainers: podUid =>
      ask('asking the runtime for containers', async signal => {
        const containers = await client.containers({ podUid }, signal);
        return containers.filter(({ hasExited }) => !hasExited).map(({ id }) => id);
      }),
    exits: signal => followExits(options, id => podProcesses.ended(id), signal),
  };
}

/** A sandbox that has ended stays listed until it is cleaned away, and its containers may outlive it. */
async function livesOn(client: RuntimeClient, podUid: string, signal: AbortSignal): Promise<boolean> {
  const sandboxes = await client.sandboxes({ podUid }, signal);
  if (sandboxes.some(({ isReady }) => isReady)) return true;
  const containers = await client.containers({ podUid }, signal);
  return containers.some(({ hasExited }) => !hasExited);
}

async function* followExits(
  options: ContainerRuntimeOptions,
  onEnd: (id: string) => void,
  signal: AbortSignal,
): AsyncGenerator<ContainerExit> {
  // Each container is told once, so that no more wait here than the node runs.
  const pending: ContainerExit[] = [];
  const news = new Wakeup(options.clock);
  const onExit = (exit: ContainerExit) => {
    pending.push(exit);
    news.wake();
  };
  let failure: unknown;
  const follower = new RuntimeFollower({ ...options, onExit, onEnd });
  const followed = follower.run(signal).catch(error => {
    failure = error;
    news.wake();
  });
  while (!signal.aborted && failure === undefined) {
    await news.wait(signal);
    yield* pending.splice(0);
  }
  await followed;
  if (failure !== undefined) throw failure;
}
