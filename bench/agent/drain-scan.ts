import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { holdConnections, missingForNamespace } from '../../agent/connections/held-connections-process.ts';

/** Whose connections scan-main.ts is to count, and how often. */
export interface ScanTask {
  readonly processId: number;
  readonly address: string;
  readonly port: number;
  readonly counts: number;
}

/** Times of single counts of all connections of a Pod. */
export interface DrainScan {
  readonly connections: number;
  /** With a walk through the kernel's tables of sockets. */
  readonly walkMs: readonly number[];
  /** Where the kernel's counters say that nothing has changed. */
  readonly unchangedMs: readonly number[];
  /** Why the Pod had no network namespace of its own; undefined when it had. */
  readonly withoutNamespace: string | undefined;
}

const POD_ADDRESS = '10.2.0.1';
const CONNECTIONS = 1_000;
const COUNTS = 500;
const OUTPUT_BYTES_MAX = 1_048_576;

/** Real connections of a real process, counted by `program`: the bundle of scan-main.ts with Node's flags before it. */
export async function measureDrainScan(program: readonly string[]): Promise<DrainScan> {
  const withoutNamespace = missingForNamespace();
  await using held = await holdConnections(withoutNamespace === undefined ? { address: POD_ADDRESS } : {});
  await held.open('answered', CONNECTIONS);
  const task: ScanTask = { processId: held.processId, address: held.address, port: held.port, counts: COUNTS };
  const limits = { maxBuffer: OUTPUT_BYTES_MAX };
  const { stdout } = await promisify(execFile)(process.execPath, [...program, JSON.stringify(task)], limits);
  return { ...JSON.parse(stdout), withoutNamespace };
}
