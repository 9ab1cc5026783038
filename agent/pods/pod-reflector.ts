import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { NodePolicy } from '../../common/pods/detect-eni.ts';
import { podHook } from '../../common/pods/pod-hook.ts';
import { projectPod } from '../../common/pods/project-pod.ts';
import type { Random } from '../../common/random.ts';
import type { ObservedPod, PodChange, PodTable } from './pod-table.ts';
import { startedAtMs } from './start-lag.ts';

export interface PodReflectorOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodeName: string;
  readonly policy: NodePolicy;
  readonly names: InstanceNames;
  readonly table: PodTable;
  readonly onChange: (change: PodChange) => void;
  /** Each version of a Pod that the watch tells, as the API server has it. */
  readonly onObserved?: (pod: ObservedPod) => void;
  /** The watch stands, or does so no more. */
  readonly onWatching?: (isWatching: boolean) => void;
  /** A list or watch failed; it is tried again. */
  readonly onError: (error: unknown) => void;
}

/** Keeps `table` equal to the API server's Pods of one node, until `signal` aborts. */
export function runPodReflector(options: PodReflectorOptions, signal: AbortSignal): Promise<void> {
  return runReflector<Pod, ObservedPod>(
    {
      transport: options.transport,
      clock: options.clock,
      random: options.random,
      path: '/api/v1/pods',
      query: { fieldSelector: `spec.nodeName=${options.nodeName}` },
      project: pod => ({
        record: projectPod(pod, options.policy, options.names),
        hook: podHook(pod, options.names.hookPort),
        startedAtMs: startedAtMs(pod),
      }),
      onEvent: event => {
        if (event.type === 'applied') options.onObserved?.(event.item);
        options.onChange(applyTo(options.table, event, options.clock.wallNow()));
      },
      ...(options.onWatching && { onWatching: options.onWatching }),
      onError: options.onError,
    },
    signal,
  );
}

function applyTo(table: PodTable, event: ReflectorEvent<ObservedPod>, wallNowMs: number): PodChange {
  switch (event.type) {
    case 'replaced':
      return table.replace(event.items, wallNowMs);
    case 'applied':
      return table.apply(event.key, event.item, wallNowMs);
    case 'deleted':
      return table.delete(event.key);
    case 'progressed':
      return { upserts: [], removals: [] };
  }
}
