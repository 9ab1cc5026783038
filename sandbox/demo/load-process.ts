import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../common/clock.ts';
import { OwnedProcess } from '../cluster/child-process.ts';
import type { LoadReport } from '../load/tally.ts';

const PROGRAM = fileURLToPath(new URL('../load/main.ts', import.meta.url));
/** Longer than any demonstration; it is told when to end. */
const DURATION_SECONDS = 3_600;

export interface LoadProcessOptions {
  readonly clock: Clock;
  readonly folder: string;
  /** Of its report and its log. */
  readonly name: string;
  readonly url: string;
  /** Further flags of `npm run load`. */
  readonly flags: readonly string[];
}

/** A load generator as a process of its own, so that nothing here disturbs its clock. */
export class LoadProcess implements AsyncDisposable {
  readonly #process: OwnedProcess;
  readonly #reportFile: string;
  readonly #logFile: string;

  constructor({ clock, folder, name, url, flags }: LoadProcessOptions) {
    this.#reportFile = join(folder, `load-${name}.json`);
    this.#logFile = join(folder, `load-${name}.log`);
    const args = [`--url=${url}`, `--duration=${DURATION_SECONDS}`, `--json=${this.#reportFile}`, ...flags];
    this.#process = new OwnedProcess({ clock, file: PROGRAM, args, logFile: this.#logFile });
  }

  /** What it last said about itself; empty before that. */
  progress(): string {
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').at(-1)?.trim() ?? '';
  }

  /** Sends nothing more; what is under way goes on to its end. */
  finish(): void {
    this.#process.askToEnd();
  }

  /** After `finish`. @throws Error when it ended without a report. */
  async report(): Promise<LoadReport> {
    const exitCode = await this.#process.exited;
    try {
      return JSON.parse(readFileSync(this.#reportFile, 'utf8')) as LoadReport;
    } catch (cause) {
      throw new Error(`the load generator left no report (exit code ${exitCode}): ${this.progress()}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
  }
}
