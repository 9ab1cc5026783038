import { renameSync, writeFileSync } from 'node:fs';
import type { Clock } from '../../common/clock.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import type { EndpointSlice } from '../kube/controllers/plan-endpoint-slices.ts';
import { ObjectCache } from '../kube/object-cache.ts';
import { collectionPath } from '../kube/resource-path.ts';

export interface ClusterNamesOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  /** Written anew at each change; `images/cluster-names.ts` reads it. */
  readonly file: string;
  readonly onError: (error: unknown) => void;
}

/** Keeps the names of Services in a file until `signal` aborts: each leads to all its ready endpoints, as headless ones do. */
export async function keepClusterNames(options: ClusterNamesOptions, signal: AbortSignal): Promise<void> {
  const slices = new ObjectCache<EndpointSlice>({ ...options, path: collectionPath('endpointslices') });
  const write = () => {
    writeFileSync(`${options.file}.new`, hostsFile([...slices.values()]));
    renameSync(`${options.file}.new`, options.file);
  };
  write();
  slices.onChange(write);
  await slices.run(signal);
}

/** Lines like those of /etc/hosts. */
export function hostsFile(slices: readonly EndpointSlice[]): string {
  const lines = slices.flatMap(({ metadata, endpoints }) => {
    const name = `${metadata.labels?.['kubernetes.io/service-name']}.${metadata.namespace}.svc`;
    const ready = endpoints.filter(({ conditions }) => conditions.ready);
    return ready.flatMap(({ addresses }) => addresses.map(address => `${address} ${name} ${name}.cluster.local\n`));
  });
  return [...new Set(lines)].join('');
}
