import { Gauge, type Registry } from 'prom-client';
import type { ClbCloud } from '../cloud/clb-client.ts';
import type { CallPriority } from '../cloud/types.ts';

const PRIORITIES: readonly CallPriority[] = ['urgent', 'normal', 'background'];

/** Adds what the rate limit of CLB's API does at the moment at which somebody scrapes. */
export function registerCloudGauges(registry: Registry, cloud: Pick<ClbCloud, 'rates' | 'waiting'>): void {
  const registers = [registry];
  new Gauge({
    name: 'clb_direct_cloud_rate_limit_calls_per_second',
    help: 'Calls of an action that may be made per second: what other users of the account leave, up to the ceiling',
    labelNames: ['action'],
    registers,
    collect() {
      for (const [action, rate] of cloud.rates()) this.set({ action }, rate);
    },
  });
  new Gauge({
    name: 'clb_direct_cloud_calls_waiting',
    help: 'Calls that wait for the rate limit, over all actions, by priority',
    labelNames: ['priority'],
    registers,
    collect() {
      for (const priority of PRIORITIES) this.set({ priority }, cloud.waiting(priority));
    },
  });
}
