import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock } from '../../common/clock.ts';

export interface ProcessOptions {
  readonly clock: Clock;
  /** What to run with this Node, flags first. */
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A program under measurement. Disposing of it ends it. */
export interface MeasuredProcess extends AsyncDisposable {
  readonly id: number;
  readonly startedAtMs: number;
  /** Of its JSON lines, the first that has this field; resolves with the field. Rejects when it ends before. */
  said(field: string): Promise<unknown>;
}

/** What a process said last, for the error that its end is. */
const LAST_LINES = 10;

/** Starts a program with the Node that runs this one, and with nothing of this one's environment but the path. */
export function startProcess({ clock, arguments: argv, environment = {} }: ProcessOptions): MeasuredProcess {
  const startedAtMs = clock.now();
  const env = { PATH: process.env.PATH ?? '', ...environment };
  const child = spawn(process.execPath, [...argv], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const lines = followLines(child, argv);
  return {
    id: child.pid ?? 0,
    startedAtMs,
    said: field => lines.find(field),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function followLines(child: ChildProcess, argv: readonly string[]) {
  const wanted = new Map<string, PromiseWithResolvers<unknown>>();
  const said = new Map<string, unknown>();
  const last: string[] = [];
  if (!child.stdout) throw new Error('the output of the process is not read');
  const lines = createInterface({ input: child.stdout });
  lines.on('line', line => {
    last.push(line);
    if (last.length > LAST_LINES) last.shift();
    for (const [field, value] of Object.entries(parse(line))) {
      if (!said.has(field)) said.set(field, value);
      wanted.get(field)?.resolve(value);
    }
  });
  lines.once('close', () => {
    const end = new Error(`node ${argv.join(' ')} ended; it said\n${last.join('\n')}`);
    for (const promise of wanted.values()) promise.reject(end);
  });
  return {
    find(field: string): Promise<unknown> {
      if (said.has(field)) return Promise.resolve(said.get(field));
      const promise = wanted.get(field) ?? Promise.withResolvers<unknown>();
      wanted.set(field, promise);
      return promise.promise;
    },
  };
}

function parse(line: string): object {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
