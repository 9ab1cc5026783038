/** What happens to machines. Every fault is of one node alone. */
import type { Cluster } from './harness.ts';

const shell = (cluster: Cluster, node: string, script: string) => cluster.runOnNode(node, ['sh', '-c', script]);

/** `kill -9`; it is started again after 0.2 s (see node.sh). */
export async function killDaemon(cluster: Cluster, node: string, daemon: 'kubelet' | 'containerd'): Promise<void> {
  await shell(cluster, node, `kill -9 $(cat /run/${daemon}.pid)`);
}

/** Stops every process on it, those of Pods too; nothing is told to anybody. Only `stopNode` ends this. */
export async function freezeNode(cluster: Cluster, node: string): Promise<void> {
  // All but the first process of the node and this one.
  await shell(cluster, node, 'kill -STOP -1');
}

/** What passes between the node and the rest of the cluster. */
export type CutDirection = 'in' | 'out' | 'both';

/**
 * Drops packets between the node and the rest of the cluster until `mendNode`. What a Pod and its own node say to each other
 * goes on.
 * @param ports of TCP servers elsewhere: only what goes to them or comes from them; default: everything
 */
export async function cutNode(
  cluster: Cluster,
  node: string,
  direction: CutDirection,
  ports: readonly number[] = [],
): Promise<void> {
  const of = (end: 'sport' | 'dport') => (ports.length === 0 ? '' : `tcp ${end} { ${ports.join(', ')} }`);
  const incoming = `chain incoming { type filter hook prerouting priority -400; iifname "eth0" ${of('sport')} counter drop; };`;
  const outgoing = `chain outgoing { type filter hook postrouting priority 400; oifname "eth0" ${of('dport')} counter drop; };`;
  const chains = { in: incoming, out: outgoing, both: `${incoming} ${outgoing}` };
  await shell(cluster, node, `echo 'table inet cut { ${chains[direction]} }' | nft -f -`);
}

/** Resolves with how many packets were dropped. */
export async function mendNode(cluster: Cluster, node: string): Promise<number> {
  const { stdout } = await shell(cluster, node, 'nft list table inet cut && nft delete table inet cut');
  return [...stdout.matchAll(/packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
}
