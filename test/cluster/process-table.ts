import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { waitUntil } from './wait.ts';

const stopTimeoutMs = 10_000;

/** Processes that outlive the command that started them, each under a name. */
export interface ProcessTable {
  /** Starts `command` in the background, unless a process of that name lives. Output is appended to the name's log. */
  start(name: string, command: readonly string[], environment: Readonly<Record<string, string>>): void;
  livePid(name: string): number | undefined;
  names(): string[];
  /** Returns when the process has ended; after 10 s it is killed. */
  stop(name: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  logFile(name: string): string;
}

export function processTable(clock: Clock, folders: { processes: string; logs: string }): ProcessTable {
  const recordFile = (name: string) => join(folders.processes, name);
  const logFile = (name: string) => join(folders.logs, `${name}.log`);
  const livePid = (name: string) => readLivePid(recordFile(name));
  return {
    logFile,
    livePid,
    names: () => (existsSync(folders.processes) ? readdirSync(folders.processes) : []),
    start(name, command, environment) {
      if (livePid(name) !== undefined) return;
      mkdirSync(folders.processes, { recursive: true });
      const pid = startDetached(command, environment, logFile(name));
      writeFileSync(recordFile(name), `${pid} ${startTime(pid) ?? ''}`);
    },
    async stop(name, signal) {
      await stopProcess(clock, livePid(name), signal);
      rmSync(recordFile(name), { force: true });
    },
  };
}

function startDetached(command: readonly string[], environment: Readonly<Record<string, string>>, log: string): number {
  const [program = '', ...rest] = command;
  const output = openSync(log, 'a');
  const child = spawn(program, rest, { detached: true, stdio: ['ignore', output, output], env: environment });
  closeSync(output);
  child.on('error', error => writeFileSync(log, `${error.message}\n`, { flag: 'a' }));
  child.unref();
  if (child.pid === undefined) throw new Error(`${program} could not be started; see ${log}`);
  return child.pid;
}

/** Ends a process and waits for it; a process that does not go is killed after 10 s. */
export async function stopProcess(clock: Clock, pid: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (pid === undefined) return;
  const started = startTime(pid);
  const gone = () => startTime(pid) !== started || started === undefined;
  signalProcess(pid, signal);
  try {
    await waitUntil(clock, `process ${pid} to end`, stopTimeoutMs, gone);
  } catch {
    signalProcess(pid, 'SIGKILL');
    await waitUntil(clock, `process ${pid} to end after SIGKILL`, stopTimeoutMs, gone);
  }
}

/** Sends a signal; a process that has ended already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readLivePid(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const [pid = '', started = ''] = readFileSync(file, 'utf8').split(' ');
  return started !== '' && startTime(Number(pid)) === started ? Number(pid) : undefined;
}

/** Tells a process from a later one with the same pid. Undefined: it has ended (a zombie has, too). */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The pid, as the machine numbers it, of the only child of `pid`. */
export function onlyChild(pid: number): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return child ? Number(child) : undefined;
  } catch {
    return undefined;
  }
}
