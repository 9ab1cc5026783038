import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, sleep } from '../../common/clock.ts';
import { httpsKubeTransport } from '../../common/kube/https-transport.ts';
import { loadKubeConfig } from '../../common/kube/kubeconfig.ts';
import type { Side } from '../differential/side.ts';
import type { Moment } from '../differential/stories/moment.ts';
import { controlPlaneAddress, etcdPort } from './addresses.ts';
import type { ContainerMoments } from './container-moments.ts';
import type { Cluster } from './harness.ts';

/** Where the plugin host-local keeps the addresses of the network `pods`. */
const addresses = 'var/lib/cni/networks/pods';
const pollMs = 20;
const node = '/usr/local/bin/node';

/** The cluster of the suites as one side of the comparison. */
export async function openRealSide(
  clock: Clock,
  cluster: Cluster,
  { hooks, observer }: Pick<Side, 'hooks' | 'observer'>,
): Promise<Side> {
  const configuration = await loadKubeConfig({ kubeconfigPath: cluster.paths.kubeconfig, environment: {} });
  const nameOf = (number: number) => cluster.nodes[number] ?? '';
  const addressFile = (number: number, file: string) =>
    join(cluster.paths.node(nameOf(number)).folder, addresses, file);
  return {
    clock,
    name: 'real',
    nodes: cluster.nodes,
    programs: {
      obedient: { image: 'pause' },
      stubborn: { image: 'echo', command: [node, '-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6)'] },
      crashing: { image: 'echo', command: [node, '-e', 'setTimeout(() => process.exit(3), 500)'] },
    },
    transport: httpsKubeTransport(configuration),
    hooks,
    observer,
    observerHost: controlPlaneAddress,
    moments: uid =>
      cluster
        .containerMoments()
        .filter(({ podUid }) => podUid === uid)
        .flatMap(momentsOf),
    async restartKubelet(number) {
      await cluster.runOnNode(nameOf(number), ['sh', '-c', 'kill -9 $(cat /run/kubelet.pid)']);
    },
    async giveLowestAddress(number) {
      await cluster.runOnNode(nameOf(number), ['rm', '-f', `/${addresses}/last_reserved_ip.0`]);
    },
    async addressFreed(number, address) {
      while (existsSync(addressFile(number, address))) await sleep(clock, pollMs, new AbortController().signal);
      return clock.wallNow();
    },
    forget: compact,
  };
}

function momentsOf({ container, preStop, ...times }: ContainerMoments): Moment[] {
  const known: readonly (readonly [what: string, atMs: number | undefined])[] = [
    ['started', times.startedAtMs],
    ['hooked', preStop?.begunAtMs],
    [`hook ${preStop?.outcome}`, preStop?.endedAtMs],
    ['TERM', times.terminatedAtMs],
    ['KILL', times.killedAtMs],
    [`exited ${times.exitCode}`, times.exitedAtMs],
  ];
  return known.flatMap(([what, atMs]) => (atMs === undefined ? [] : [{ what: `${container} ${what}`, atMs }]));
}

/** etcd forgets every version but the present one. */
async function compact(): Promise<void> {
  const etcd = async (path: string, body: object) => {
    const response = await fetch(`http://127.0.0.1:${etcdPort}/v3/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`etcd: ${await response.text()}`);
    return response.json() as Promise<{ header: { revision: string } }>;
  };
  const { header } = await etcd('maintenance/status', {});
  await etcd('kv/compaction', { revision: header.revision, physical: true });
}
