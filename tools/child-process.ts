import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

export interface Finished {
  /** 0 for success; 1 when a signal ended it. */
  readonly exitCode: number;
  /** Standard output and error, in the order they came. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd: string;
  /** Ends the child; the promise then still resolves, with what it had said. */
  readonly signal?: AbortSignal;
}

/** Runs a program, first looked for in node_modules/.bin, and collects what it says. */
export function run(command: string, args: readonly string[], { cwd, signal }: RunOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const path = `${join(cwd, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`;
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, PATH: path, NO_COLOR: '1', FORCE_COLOR: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const parts: Buffer[] = [];
    child.stdout.on('data', part => parts.push(part));
    child.stderr.on('data', part => parts.push(part));
    const onAbort = () => child.kill('SIGKILL');
    signal?.addEventListener('abort', onAbort, { once: true });
    child.on('error', error => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.on('close', exitCode => {
      signal?.removeEventListener('abort', onAbort);
      resolve({ exitCode: exitCode ?? 1, output: Buffer.concat(parts).toString() });
    });
  });
}
