import type { Container, ContainerState, ContainerStatus } from '../../../common/kube/objects.ts';
import { formatTimestamp } from '../timestamp.ts';
import type { ContainerExit } from './container-runtime.ts';

/** A container as its kubelet knows it; every change is a new value. */
export interface ContainerView {
  readonly state: ContainerState;
  readonly lastState: ContainerState | undefined;
  readonly containerId: string | undefined;
  readonly restartCount: number;
  readonly isReady: boolean;
}

export function newContainerView(restartCount: number): ContainerView {
  return { ...waiting('ContainerCreating'), lastState: undefined, containerId: undefined, restartCount };
}

export function waiting(reason: string, message?: string): Pick<ContainerView, 'state' | 'isReady'> {
  return { state: { waiting: { reason, ...(message !== undefined && { message }) } }, isReady: false };
}

export function asRunning(view: ContainerView, containerId: string, nowMs: number): ContainerView {
  const restartCount = view.containerId === undefined ? view.restartCount : view.restartCount + 1;
  return {
    ...view,
    state: { running: { startedAt: formatTimestamp(nowMs) } },
    containerId,
    restartCount,
    isReady: false,
  };
}

export function asTerminated(view: ContainerView, { exitCode, message }: ContainerExit, nowMs: number): ContainerView {
  const terminated = {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    ...(message && { message }),
    finishedAt: formatTimestamp(nowMs),
    ...(view.state.running?.startedAt && { startedAt: view.state.running.startedAt }),
    ...(view.containerId && { containerID: view.containerId }),
  };
  return { ...view, state: { terminated }, isReady: false };
}

/** Between two runs: what ended moves to `lastState`. */
export function asRestarting(view: ContainerView): ContainerView {
  return { ...view, lastState: view.state };
}

export function statusOf(container: Container, view: ContainerView): ContainerStatus {
  return {
    name: container.name,
    image: container.image,
    imageID: view.containerId === undefined ? '' : `sandbox://${container.image}`,
    ...(view.containerId !== undefined && { containerID: view.containerId }),
    ready: view.isReady,
    started: view.state.running !== undefined,
    restartCount: view.restartCount,
    state: view.state,
    lastState: view.lastState ?? {},
  };
}
