import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Clock } from '../../common/clock.ts';
import { onlyChild, signalProcess, stopProcess } from './process-table.ts';
import { waitUntil } from './wait.ts';

const startTimeoutMs = 10_000;

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of a suite in the cluster's network or on a node. */
export interface ClusterProcess {
  /** Of the program itself, as the machine numbers it. */
  readonly pid: number;
  /** Standard output and error, appended. */
  readonly logFile: string;
  readonly exited: Promise<ExitStatus>;
  /** A process that has ended already is no error. */
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM; after 10 s SIGKILL. Returns when it has ended. */
  stop(): Promise<ExitStatus>;
}

export interface ProcessStart {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Whether `command` begins with a program that forks the wanted one and waits for it, as nsenter does for pid namespaces. */
  readonly forks: boolean;
}

/** @throws Error that names the log when the program cannot be started. */
export async function startClusterProcess(clock: Clock, start: ProcessStart): Promise<ClusterProcess> {
  const { logFile } = start;
  const child = startChild(start);
  await once(child, 'spawn');
  const exited = exitOf(child);
  const started = () => (start.forks ? onlyChild(child.pid ?? 0) : child.pid);
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  const what = `${start.command.join(' ')} to start, see ${logFile}`;
  const pid = await waitUntil(clock, what, startTimeoutMs, () => (ended() ? -1 : started()));
  if (pid < 0) throw new Error(`${start.command.join(' ')} ended at once, see ${logFile}`);
  return {
    pid,
    logFile,
    exited,
    signal: signal => signalProcess(pid, signal),
    async stop() {
      if (!ended()) await stopProcess(clock, pid, 'SIGTERM');
      return exited;
    },
  };
}

function startChild({ command, environment, logFile }: ProcessStart): ChildProcess {
  const [program = '', ...rest] = command;
  const output = openSync(logFile, 'a');
  try {
    // A session of its own, which has a share of the processors of its own (see precedence.ts).
    return spawn(program, rest, { detached: true, stdio: ['ignore', output, output], env: environment });
  } finally {
    closeSync(output);
  }
}

async function exitOf(child: ChildProcess): Promise<ExitStatus> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return { code, signal };
}
