import type { Clock } from '../../../common/clock.ts';
import type { KubeTransport } from '../../../common/kube/transport.ts';
import type { Random } from '../../../common/random.ts';
import { kubeClient } from '../kube-client.ts';
import { type ClusterCaches, type ControllerContext, clusterCaches, type Log } from './cluster-caches.ts';
import { deploymentController } from './deployment-controller.ts';
import { endpointSliceController } from './endpoint-slice-controller.ts';
import { nodeLifeController } from './node-life-controller.ts';
import { replicaSetController } from './replica-set-controller.ts';
import { scheduler } from './scheduler.ts';

export interface ControllersOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** False: nobody reads EndpointSlices, so none are written; default true. */
  readonly makesEndpointSlices?: boolean;
}

/**
 * `signal` aborts; resolves then, when everything has stopped.
 */
export async function runControllers(options: ControllersOptions, signal: AbortSignal): Promise<void> {
  const caches = clusterCaches(options);
  const { clock, random, log, makesEndpointSlices = true } = options;
  const context: ControllerContext = { client: kubeClient(options.transport, clock), caches, clock, random, log };
  const loops = [
    scheduler(context),
    replicaSetController(context),
    deploymentController(context),
    ...(makesEndpointSlices ? [endpointSliceController(context)] : []),
    nodeLifeController(context),
  ];
  const watching = all(caches).map(cache => cache.run(signal));
  const working = untilSyncedOrAborted(caches, signal).then(() => Promise.all(loops.map(loop => loop.run(signal))));
  await Promise.all([...watching, working]);
}

/** Nothing is decided before every cache is whole: what is missing from half a list would look like missing. */
async function untilSyncedOrAborted(caches: ClusterCaches, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
  const synced = Promise.all(all(caches).map(cache => cache.synced()));
  await Promise.race([synced, aborted]);
}

function all(caches: ClusterCaches): { run(signal: AbortSignal): Promise<void>; synced(): Promise<void> }[] {
  return Object.values(caches);
}
