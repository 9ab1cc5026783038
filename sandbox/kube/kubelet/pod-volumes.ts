import type { Pod } from '../../../common/kube/objects.ts';

/** Where a Pod's volumes are. Carriers: directories on disk (disk-volumes.ts) and none in virtual time. */
export interface PodVolumes {
  /**
   * Makes the Pod's volumes and keeps tokens fresh until `release`. Resolves with directories by volume name.
   * @throws Error that names the volume, when one cannot be made; nothing is left behind then.
   */
  prepare(pod: Pod, signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
  release(podUid: string): Promise<void>;
}

/** For virtual time: there are no files. */
export function noVolumes(): PodVolumes {
  return { prepare: async () => new Map(), release: async () => undefined };
}
