import { readdir, readFile } from 'node:fs/promises';

/** What the kernel says that a process has used since its start. */
export interface Usage {
  /** Time on a processor, of all threads. */
  readonly cpuMs: number;
  /** How often one of its threads went to sleep and was woken. */
  readonly wakeUps: number;
}

export interface Memory {
  readonly rssMiB: number;
  readonly rssAnonMiB: number;
  /** The most since the start of the process. */
  readonly rssPeakMiB: number;
}

/** @throws Error when there is no such process. */
export async function readUsage(processId: number): Promise<Usage> {
  const folder = `/proc/${processId}/task`;
  const threads = await Promise.all((await readdir(folder)).map(thread => readThread(`${folder}/${thread}`)));
  return {
    cpuMs: threads.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    wakeUps: threads.reduce((sum, { wakeUps }) => sum + wakeUps, 0),
  };
}

async function readThread(folder: string): Promise<Usage> {
  const [schedule, status] = await Promise.all([
    readFile(`${folder}/schedstat`, 'latin1'),
    readFile(`${folder}/status`, 'latin1'),
  ]);
  return { cpuMs: Number(schedule.split(' ')[0]) / 1e6, wakeUps: field(status, 'voluntary_ctxt_switches') };
}

/** @throws Error when there is no such process. */
export async function readMemory(processId: number): Promise<Memory> {
  const status = await readFile(`/proc/${processId}/status`, 'latin1');
  return {
    rssMiB: field(status, 'VmRSS') / 1024,
    rssAnonMiB: field(status, 'RssAnon') / 1024,
    rssPeakMiB: field(status, 'VmHWM') / 1024,
  };
}

function field(status: string, name: string): number {
  const value = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1];
  if (value === undefined) throw new Error(`the kernel tells no ${name} of a process`);
  return Number(value);
}
