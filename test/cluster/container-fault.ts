import type { Pod } from '../../common/kube/objects.ts';
import type { Cluster } from './harness.ts';

/** `kill -9` of the first process of a Pod's only container, from outside, as nobody inside could. */
export async function killContainer(cluster: Cluster, { metadata, spec, status }: Pod): Promise<void> {
  const id = status?.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? 'none';
  const node = spec.nodeName ?? '';
  const { stdout } = await cluster.runOnNode(node, ['ctr', '--namespace', 'k8s.io', 'tasks', 'list']);
  const [, pid] = new RegExp(`^${id}\\s+(\\d+)\\s`, 'm').exec(stdout) ?? [];
  if (pid === undefined) throw new Error(`${metadata.name}: ${node} runs no container ${id}`);
  await cluster.runOnNode(node, ['kill', '-9', pid]);
}
