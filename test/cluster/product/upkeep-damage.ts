/** Damage to what the leader keeps for TLS and the webhook, which it has to put right. */
import type { Clock } from '../../../common/clock.ts';
import type { Cluster } from '../harness.ts';
import { waitUntil } from '../wait.ts';
import { names } from './names.ts';

const inNamespace = `--namespace=${names.namespace}`;
const timeoutMs = 90_000;

/** Each with how it is spoilt. A Secret of its type cannot be without its fields. */
const KEPT = [
  { object: 'secret/clb-direct-tls', where: [inNamespace], spoilt: { data: { 'tls.crt': '', 'tls.key': '' } } },
  { object: 'configmap/clb-direct-ca', where: [inNamespace], spoilt: { data: null } },
  { object: 'mutatingwebhookconfiguration/clb-direct', where: [], spoilt: { webhooks: null } },
] as const;

/** Spoils Secret, ConfigMap and webhook configuration one after the other, then deletes it; returns when all are whole again. */
export async function damageUpkeep(clock: Clock, cluster: Cluster): Promise<void> {
  for (const { object, where, spoilt } of KEPT) {
    await cluster.kubectl(['patch', object, ...where, '--type=merge', `--patch=${JSON.stringify(spoilt)}`]);
    await untilWhole(clock, cluster, object, ...where);
    await cluster.kubectl(['delete', object, ...where]);
    await untilWhole(clock, cluster, object, ...where);
  }
}

/** Waits until the object is there with all that it holds. */
export async function untilWhole(clock: Clock, cluster: Cluster, object: string, ...where: string[]): Promise<void> {
  await waitUntil(clock, `${object} to be whole`, timeoutMs, async () => {
    const { data, webhooks, spec } = await cluster.get<Readonly<Record<string, object>>>([object, ...where]);
    const content = data ?? webhooks ?? spec;
    return content !== undefined && Object.values(content).every(value => value !== '');
  });
}
