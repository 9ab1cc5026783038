import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import type { PodRecord } from '../../common/pod-record.ts';
import type { NodePolicy } from '../../common/pods/detect-eni.ts';
import { eniByNode } from '../../common/pods/eni-by-node.ts';
import { projectPod } from '../../common/pods/project-pod.ts';
import type { Random } from '../../common/random.ts';
import { API_SERVER } from '../core/node-reports.ts';
import type { Knowledge } from '../knowledge.ts';

export interface PodWatchOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly knowledge: Pick<Knowledge, 'store' | 'nodes'>;
  readonly policy: NodePolicy;
  readonly names: InstanceNames;
}

interface PlacedPod {
  readonly node: string;
  readonly record: PodRecord;
}

/** Of the coordinator's own word in the report store. */
const SESSION = 'own watch';

/** Brings the Pods of these nodes into the report store, in the API server's name, until `signal` aborts. */
export function watchPods(
  nodes: ReadonlySet<string>,
  selector: { readonly fieldSelector?: string },
  options: PodWatchOptions,
  signal: AbortSignal,
): Promise<void> {
  const { transport, clock, random, log } = options;
  return runReflector<Pod, PlacedPod>(
    {
      transport,
      clock,
      random,
      path: '/api/v1/pods',
      query: { ...selector },
      project: pod => project(pod, nodes, options),
      onEvent: event => take(event, nodes, options),
      onError: error =>
        log.warn('Pods of nodes without an agent were not listed or watched, will try again', { error }),
    },
    signal,
  );
}

/** The watch of the node has ended. */
export function endWatch(node: string, { knowledge }: Pick<PodWatchOptions, 'knowledge'>): void {
  knowledge.store.close(node, SESSION);
}

/** Pods of other nodes are not kept for a moment. */
function project(pod: Pod, nodes: ReadonlySet<string>, options: PodWatchOptions): PlacedPod | undefined {
  const node = pod.spec.nodeName;
  if (node === undefined || !nodes.has(node)) return undefined;
  const network = options.knowledge.nodes.get(node)?.network;
  return { node, record: eniByNode(projectPod(pod, options.policy, options.names), network) };
}

function take(event: ReflectorEvent<PlacedPod>, nodes: ReadonlySet<string>, options: PodWatchOptions): void {
  const { clock, knowledge } = options;
  switch (event.type) {
    case 'replaced':
      takeList([...event.items.values()], nodes, options);
      return;
    case 'applied':
      tell(event.item.node, { upserts: [event.item.record], removals: [] });
      return;
    case 'deleted':
      // Without an item it is only of no interest any more.
      if (event.item) tell(event.item.node, { upserts: [], removals: [event.item.record.uid] });
      return;
    case 'progressed':
      return;
  }
  function tell(node: string, delta: { upserts: readonly PodRecord[]; removals: readonly string[] }): void {
    knowledge.store.apply(node, { ...delta, session: SESSION }, clock.now());
  }
}

function takeList(pods: readonly PlacedPod[], nodes: ReadonlySet<string>, options: PodWatchOptions): void {
  const { clock, knowledge } = options;
  const byNode = new Map<string, PodRecord[]>([...nodes].map(node => [node, []]));
  for (const { node, record } of pods) byNode.get(node)?.push(record);
  for (const [node, records] of byNode) {
    knowledge.store.open(node, SESSION, API_SERVER);
    knowledge.store.replace(node, records, { consistent: true, now: clock.now(), session: SESSION });
  }
}
