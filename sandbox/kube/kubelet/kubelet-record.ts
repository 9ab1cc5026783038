import type { ContainerSignal } from './container-runtime.ts';
import type { HookOutcome } from './pre-stop.ts';

/** The kubelet's own account of a Pod's moments: what tests read, and never what the product says of itself. */
export type KubeletRecord = KubeletMoment & {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly nodeName: string;
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
  readonly podIp: string | undefined;
};

export type KubeletMoment =
  | { readonly type: 'addressAssigned' }
  | { readonly type: 'addressReleased' }
  | { readonly type: 'started'; readonly containerName: string; readonly containerId: string }
  | { readonly type: 'preStopBegan'; readonly containerName: string; readonly containerId: string }
  | {
      readonly type: 'preStopEnded';
      readonly containerName: string;
      readonly containerId: string;
      readonly outcome: HookOutcome;
    }
  | {
      readonly type: 'signalled';
      readonly containerName: string;
      readonly containerId: string;
      readonly signal: ContainerSignal;
    }
  | {
      readonly type: 'exited';
      readonly containerName: string;
      readonly containerId: string;
      readonly exitCode: number;
    }
  /** The last word: the kubelet has asked for the object's removal, or found it gone. */
  | { readonly type: 'removed' };
