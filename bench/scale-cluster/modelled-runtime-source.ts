import type { ContainerExit, RuntimeSource } from '../../agent/runtime/source.ts';
import type { Clock } from '../../common/clock.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { ModelledProcess, ModelledRuntime } from '../../sandbox/kube/kubelet/modelled-runtime.ts';

export interface RuntimeSourceOptions {
  readonly clock: Clock;
  readonly containers: ModelledRuntime;
}

/** What an agent is told of modelled containers; exits come at once. */
export function modelledRuntimeSource(options: RuntimeSourceOptions): RuntimeSource {
  const { containers } = options;
  const of = (podUid: string) => containers.running().filter(({ spec }) => spec.podUid === podUid);
  return {
    processIds: async () => [],
    hasSandbox: async podUid => of(podUid).length > 0,
    endedAmong: async ended => {
      const running = new Set(containers.running().map(bareId));
      return ended.filter(({ containerId }) => !running.has(containerId));
    },
    runningContainers: async podUid => of(podUid).map(bareId),
    exits: signal => exits(options, signal),
  };
}

async function* exits({ clock, containers }: RuntimeSourceOptions, signal: AbortSignal): AsyncGenerator<ContainerExit> {
  const waiting: ContainerExit[] = [];
  const wakeup = new Wakeup(clock);
  const stop = containers.listen({
    onStart: () => undefined,
    onExit: process => {
      const { podUid, containerName } = process.spec;
      waiting.push({ podUid, containerName, containerId: bareId(process) });
      wakeup.wake();
    },
  });
  while (!signal.aborted) {
    yield* waiting.splice(0);
    await wakeup.wait(signal);
  }
  stop();
}

function bareId({ containerId }: ModelledProcess): string {
  return containerId.replace(/^.*:\/\//, '');
}
