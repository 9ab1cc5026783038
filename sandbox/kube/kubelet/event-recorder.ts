import { randomInteger } from '../../../common/random.ts';
import { collectionPath } from '../resource-path.ts';
import { formatTimestamp } from '../timestamp.ts';
import type { KubeletContext } from './kubelet-context.ts';

type Recorder = Pick<KubeletContext, 'client' | 'clock' | 'random' | 'node' | 'log' | 'signal'>;

/** Writes Kubernetes Events about Pods in the background; one that cannot be written is logged and lost. */
export function eventRecorder({ client, clock, random, node, log, signal }: Recorder): KubeletContext['event'] {
  return (pod, type, reason, message) => {
    const { name, namespace = 'default', uid } = pod.metadata;
    const now = formatTimestamp(clock.wallNow());
    const suffix = randomInteger(random, 0, 0xffffffff).toString(16).padStart(8, '0');
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${suffix}`, namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
      type,
      reason,
      message,
      source: { component: 'kubelet', host: node.name },
      reportingComponent: 'kubelet',
      reportingInstance: node.name,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    };
    client.create(collectionPath('events', namespace), event, signal).catch(error => {
      if (!signal.aborted) log('Event could not be written', { pod: name, reason, error });
    });
  };
}
