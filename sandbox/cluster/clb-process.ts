import { fileURLToPath } from 'node:url';
import type { Clock } from '../../common/clock.ts';
import type { NumberedRecord } from '../clb/journal.ts';
import type { AddressPlan, ListenPoint } from './address-plan.ts';
import { OwnedProcess } from './child-process.ts';

const PROGRAM = fileURLToPath(new URL('../clb/main.ts', import.meta.url));

/** What the CLB of a sandbox answers to. */
export const CLB_ACCOUNT = {
  region: 'ap-guangzhou',
  vpcId: 'vpc-sandbox',
  secretId: 'sandbox-secret-id',
  secretKey: 'sandbox-secret-key',
};

export interface ClbProcess extends AsyncDisposable {
  readonly endpoint: string;
  /** Base URL of the control endpoint. */
  readonly control: string;
  /** Resolves when the process has ended. */
  readonly exited: Promise<number>;
  /** Everything since the start that is still kept, in order. */
  journal(signal: AbortSignal): Promise<NumberedRecord[]>;
}

export interface ClbProcessOptions {
  readonly clock: Clock;
  readonly plan: AddressPlan;
  readonly logFile: string;
  /** The journal as lines of JSON, beside what `journal` answers. */
  readonly journalFile: string;
  readonly createLoadBalancerMs: number;
}

/** Starts the CLB stand-in. @throws Error when it does not come up. */
export async function startClbProcess(options: ClbProcessOptions): Promise<ClbProcess> {
  const child = new OwnedProcess({ ...options, file: PROGRAM, args: clbArguments(options) });
  try {
    const { endpoint, control } = JSON.parse(await child.firstLine) as { endpoint: string; control: string };
    const journal = new JournalReader(`${control}/journal`);
    return {
      endpoint,
      control,
      exited: child.exited,
      journal: signal => journal.read(signal),
      [Symbol.asyncDispose]: () => child.stop(),
    };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

function clbArguments({ plan, journalFile, createLoadBalancerMs }: ClbProcessOptions): string[] {
  return [
    `--listen=${listenPoint(plan.clbApi)}`,
    `--control-listen=${listenPoint(plan.clbControl)}`,
    `--vip-prefix=${plan.vipPrefix}`,
    `--region=${CLB_ACCOUNT.region}`,
    `--vpc-id=${CLB_ACCOUNT.vpcId}`,
    `--secret-id=${CLB_ACCOUNT.secretId}`,
    `--secret-key=${CLB_ACCOUNT.secretKey}`,
    `--journal-file=${journalFile}`,
    `--create-load-balancer-ms=${createLoadBalancerMs}`,
  ];
}

function listenPoint({ host, port }: ListenPoint): string {
  return `${host}:${port}`;
}

/** Keeps what it has read, since the process itself keeps only the newest. */
class JournalReader {
  readonly #url: string;
  readonly #records: NumberedRecord[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  async read(signal: AbortSignal): Promise<NumberedRecord[]> {
    const after = this.#records.at(-1)?.sequence ?? 0;
    const response = await fetch(`${this.#url}?after=${after}`, { signal });
    const lines = (await response.text()).split('\n').filter(line => line !== '');
    const news = lines.map(line => JSON.parse(line) as NumberedRecord);
    this.#records.push(...news.filter(({ sequence }) => sequence > (this.#records.at(-1)?.sequence ?? 0)));
    return [...this.#records];
  }
}
