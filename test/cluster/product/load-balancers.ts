/** The CLB stand-in, in the network of the cluster. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NumberedRecord } from '../../../sandbox/clb/journal.ts';
import { controlPlaneAddress } from '../addresses.ts';
import type { Cluster } from '../harness.ts';
import { takePrecedence } from '../precedence.ts';
import { ports, productFolder, virtualAddressPrefix } from './names.ts';

const program = join(import.meta.dirname, '../../../sandbox/clb/main.ts');

export const clbEndpoint = `http://${controlPlaneAddress}:${ports.clb}`;
/** The one key that the stand-in takes. */
export const cloudKey = { secretId: 'sandbox-secret-id', secretKey: 'sandbox-secret-key' } as const;

export interface LoadBalancers {
  /** Everything that has happened there. */
  journal(): NumberedRecord[];
  /** What the control endpoint answers; with a body it is a POST. */
  control(path: string, body?: object): Promise<unknown>;
  stop(): Promise<void>;
}

export async function startLoadBalancers(cluster: Cluster): Promise<LoadBalancers> {
  const journalFile = join(productFolder(cluster.settings), 'clb-journal.jsonl');
  const command = [
    ...['--listen', `${controlPlaneAddress}:${ports.clb}`],
    ...['--control-listen', `${controlPlaneAddress}:${ports.clbControl}`],
    ...['--vip-prefix', virtualAddressPrefix],
    ...['--journal-file', journalFile],
    // What making a load balancer takes (about 10 s) is not what these suites are about.
    ...['--create-load-balancer-ms', '2000'],
  ];
  const clb = await cluster.spawn([process.execPath, program, ...command], { name: 'clb' });
  // No neighbour takes the processor from a real one.
  takePrecedence(clb.pid);
  return {
    journal: () => parseLines(readFileSync(journalFile, 'utf8')),
    control: askControl,
    stop: async () => {
      await clb.stop();
    },
  };
}

async function askControl(path: string, body?: object): Promise<unknown> {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`http://${controlPlaneAddress}:${ports.clbControl}/_control/${path}`, init);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

function parseLines(text: string): NumberedRecord[] {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as NumberedRecord);
}
