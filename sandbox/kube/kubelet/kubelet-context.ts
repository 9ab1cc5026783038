import type { Clock } from '../../../common/clock.ts';
import type { Pod } from '../../../common/kube/objects.ts';
import type { Random } from '../../../common/random.ts';
import type { KubeClient } from '../kube-client.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import type { KubeletMoment } from './kubelet-record.ts';
import type { NodeNetwork } from './node-network.ts';
import type { PodVolumes } from './pod-volumes.ts';

export interface MillisecondRange {
  readonly min: number;
  readonly max: number;
}

/** How late a kubelet is; drawn evenly from each range. The defaults are what real ones were seen to take. */
export interface KubeletTiming {
  /** From a change in the API to acting on it. */
  readonly syncMs: MillisecondRange;
  /** From a container's change to the Pod's status in the API. */
  readonly statusMs: MillisecondRange;
  /** From the image being there to the running container. */
  readonly startMs: MillisecondRange;
}

export const DEFAULT_TIMING: KubeletTiming = {
  syncMs: { min: 0, max: 700 },
  statusMs: { min: 100, max: 700 },
  startMs: { min: 300, max: 1_500 },
};

export interface KubeletNode {
  readonly name: string;
  /** Also the source of the kubelet's probes and hook calls, and the address of Pods on the host's network. */
  readonly address: string;
  readonly podCidr: string;
  readonly providerId: string;
  /** For example `{ cpu: '8', memory: '16Gi', 'tke.cloud.tencent.com/eni-ip': '29' }`; `pods` is 110 unless said. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What every part of a kubelet works with. */
export interface KubeletContext {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly node: KubeletNode;
  readonly containers: ContainerRuntime;
  readonly network: NodeNetwork;
  readonly volumes: PodVolumes;
  readonly timing: KubeletTiming;
  readonly log: (message: string, details?: Readonly<Record<string, unknown>>) => void;
  readonly record: (pod: Pod, podIp: string | undefined, moment: KubeletMoment) => void;
  readonly event: (pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string) => void;
  /** Aborts when the kubelet stops. */
  readonly signal: AbortSignal;
}

export function drawMs(random: Random, { min, max }: MillisecondRange): number {
  return min + random.next() * (max - min);
}
