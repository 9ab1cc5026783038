import { deadline } from '../../common/deadline.ts';
import { get } from '../../common/kube/client.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import type { Cloud } from '../cloud/types.ts';
import { clusterHash } from '../cluster-hash.ts';
import { clusterTags } from '../loadbalancers/ownership-tags.ts';
import { releasedName } from '../loadbalancers/released-name.ts';
import type { ReleaseContext } from './release-context.ts';

/** The account in which the coordinators made load balancers. */
export interface ReleasedAccount {
  readonly cloud: Pick<Cloud, 'describeLoadBalancers' | 'changeLoadBalancer'>;
  readonly clusterName: string;
}

/** Of what is only for people's eyes; the rest of the release has to have its time. */
const TIMEOUT_MS = 60_000;
/** Each takes CLB a second or two. */
const CONCURRENCY = 8;

/**
 * Writes into the names of the load balancers that were made for this cluster that nobody keeps them up any more. Nothing else
 * depends on it: what cannot be marked is told, and is no failure.
 */
export async function markLoadBalancers(context: ReleaseContext, account: ReleasedAccount | undefined): Promise<void> {
  if (!account) {
    context.say('CLB is not called: load balancers keep their names');
    return;
  }
  using limit = deadline(context.clock, 'marking load balancers', TIMEOUT_MS, context.signal);
  try {
    await mark({ ...context, signal: limit.signal }, account);
  } catch (error) {
    context.say(`not all load balancers are marked as released: ${error instanceof Error ? error.message : error}`);
  }
}

async function mark(context: ReleaseContext, { cloud, clusterName }: ReleasedAccount): Promise<void> {
  const { transport, names, signal, say } = context;
  const { metadata } = await get<KubeObject>(transport, '/api/v1/namespaces/kube-system', signal);
  const cluster = clusterHash({ clusterUid: metadata.uid, clusterName, names });
  const made = await cloud.describeLoadBalancers({ tags: clusterTags(cluster) }, signal);
  if (!made.ok) throw new Error(made.error.message);
  const waiting = made.value.flatMap(({ id, name: present }) => {
    const name = releasedName(present);
    return name === undefined ? [] : [{ id, name }];
  });
  let marked = 0;
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const change = { kind: 'attributes', settings: { name: next.name } } as const;
      const result = await cloud.changeLoadBalancer(next.id, change, signal);
      if (result.ok) marked += 1;
      else say(`load balancer ${next.id} keeps its name: ${result.error.message}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  if (marked > 0) say(`marked ${marked} load balancer(s) as released, by their names`);
}
