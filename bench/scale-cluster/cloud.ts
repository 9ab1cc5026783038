import { join } from 'node:path';
import type { LatencyModel } from '../../sandbox/clb/settings.ts';
import { controlPlaneAddress } from '../../test/cluster/addresses.ts';
import type { Cluster } from '../../test/cluster/harness.ts';
import { ports, productFolder } from '../../test/cluster/product/names.ts';
import { ClbJournal } from './clb-journal.ts';

const PROGRAM = join(import.meta.dirname, 'clb-main.ts');

/** The CLB stand-in, in a process of its own. */
export interface Cloud {
  readonly journal: ClbJournal;
  /** How long calls take from now on. */
  setLatency(latency: Partial<LatencyModel>): Promise<void>;
}

/** Every call takes so long, whatever is in it. */
export function evenLatency(ms: number): LatencyModel {
  return {
    readMs: ms,
    acceptMs: ms,
    batchBaseMs: ms,
    batchPerTargetMs: 0,
    singleBaseMs: ms,
    singlePerTargetMs: 0,
    listenerBaseMs: ms,
    listenerPerItemMs: 0,
    ruleBaseMs: ms,
    rulePerItemMs: 0,
    createLoadBalancerMs: ms,
    deleteLoadBalancerMs: ms,
    busyTailMaxMs: 0,
  };
}

export async function startCloud(cluster: Cluster): Promise<Cloud> {
  const file = join(productFolder(cluster.settings), 'clb-journal.jsonl');
  await cluster.spawn([process.execPath, PROGRAM], { name: 'clb', environment: { CLB_JOURNAL: file } });
  return {
    journal: new ClbJournal(file),
    async setLatency(latency) {
      const url = `http://${controlPlaneAddress}:${ports.clbControl}/_control/settings`;
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ latency }) });
      if (!answer.ok) throw new Error(`the CLB stand-in took no settings: ${await answer.text()}`);
    },
  };
}
