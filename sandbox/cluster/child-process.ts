import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Clock, sleep } from '../../common/clock.ts';

const END_WITH_PARENT = fileURLToPath(new URL('../images/end-with-parent.ts', import.meta.url));
/** From SIGTERM to SIGKILL. */
const STOP_GRACE_MS = 3_000;

export interface ChildProcessOptions {
  readonly clock: Clock;
  /** A program of ours, run by the same Node as we are. */
  readonly file: string;
  readonly args: readonly string[];
  /** Where its output goes; its standard output too, after the first line. */
  readonly logFile: string;
}

/** A process of ours that ends with us, and not by Ctrl-C in the terminal: we end it in order. */
export class OwnedProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  #isAsked = false;
  /** Resolves with the exit code, 128 and more for a signal; never rejects. */
  readonly exited: Promise<number>;
  /** The first line of standard output. @throws Error when it ends before it has said one. */
  readonly firstLine: Promise<string>;

  constructor({ clock, file, args, logFile }: ChildProcessOptions) {
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, ['--import', END_WITH_PARENT, file, ...args], {
      stdio: ['ignore', 'pipe', log, 'ipc'],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    this.#clock = clock;
    this.exited = new Promise(resolve => {
      child.once('exit', (code, signal) => resolve(code ?? (signal ? 143 : 1)));
      child.once('error', () => resolve(127));
    });
    this.firstLine = firstLineOf(child, `${file} ended; ${logFile} tells why`);
    this.firstLine.catch(() => {});
  }

  /** Asks it to end, then makes it; resolves when it has. */
  async stop(): Promise<void> {
    this.askToEnd();
    const ended = new AbortController();
    const killing = sleep(this.#clock, STOP_GRACE_MS, ended.signal).then(
      () => void this.#child.kill('SIGKILL'),
      () => undefined,
    );
    await this.exited;
    ended.abort();
    await killing;
  }

  /** Asks it to end in its own way and time; asking again changes nothing. */
  askToEnd(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#child.kill('SIGTERM');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function firstLineOf(child: ChildProcess, failure: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) throw new Error('standard output is a pipe');
    const lines = createInterface({ input: child.stdout });
    lines.once('line', resolve);
    child.once('exit', () => reject(new Error(failure)));
    child.once('error', reject);
  });
}
