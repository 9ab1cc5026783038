import { ContainerState, type PodRecord } from './pod-record.ts';

/** Of a Pod of which no container was told yet nothing has exited. */
export function allContainersExited({ containers }: Pick<PodRecord, 'containers'>): boolean {
  return containers.length > 0 && containers.every(({ state }) => state === ContainerState.EXITED);
}
