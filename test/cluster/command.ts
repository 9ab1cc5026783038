import { execFile } from 'node:child_process';

export interface CommandOptions {
  /** Default 60,000. The command is killed after it. */
  readonly timeoutMs?: number;
  readonly input?: string;
  /** The whole environment; default: that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
}

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** A command ended with another code than 0, was killed, or could not be started. */
class CommandFailedError extends Error {
  override readonly name = 'CommandFailedError';
  readonly output: CommandOutput;
  constructor(command: readonly string[], outcome: string, output: CommandOutput) {
    super(`${command.join(' ')}: ${outcome}\n${output.stderr.trim()}`.trim());
    this.output = output;
  }
}

const outputBytesMax = 64 * 1024 * 1024;

/**
 * Runs a command to its end.
 * @throws CommandFailedError
 */
export function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<CommandOutput> {
  const [program = '', ...rest] = command;
  const { timeoutMs = 60_000 } = options;
  return new Promise((resolve, reject) => {
    const settings = { timeout: timeoutMs, maxBuffer: outputBytesMax, env: options.environment ?? process.env };
    const child = execFile(program, rest, { ...settings, cwd: options.folder }, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout, stderr });
      const outcome = error.killed ? `killed after ${timeoutMs} ms` : `exit code ${String(error.code ?? error.signal)}`;
      reject(new CommandFailedError(command, outcome, { stdout, stderr }));
    });
    // A command that never reads its input is judged by its exit code alone.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}
