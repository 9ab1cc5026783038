import { spawn } from 'node:child_process';

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** For its standard input. */
  readonly input?: string;
}

/** Runs a program of the node and resolves with what it printed. @throws CommandError */
export type RunCommand = (command: Command, signal: AbortSignal) => Promise<string>;

/** A program of the node could not be run or ended with an error. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** There is no such program on this node. */
  readonly isMissing: boolean;
  constructor(message: string, { isMissing, cause }: { isMissing: boolean; cause?: unknown }) {
    super(message, { cause });
    this.isMissing = isMissing;
  }
}

/** A rule with an address for each of a thousand Pods takes a tenth of it. */
const OUTPUT_MAX = 1_048_576;
/** Of what a program says about its failure, the part an error quotes. */
const ERROR_TEXT_MAX = 2_000;

/** With real processes. The program is killed when `signal` aborts. */
export const runCommand: RunCommand = ({ command, args, input }, signal) => {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    // The messages that are told apart are the untranslated ones.
    const env = { ...process.env, LC_ALL: 'C' };
    const child = spawn(command, args, { env, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    const output = collect(child.stdout, OUTPUT_MAX, kill);
    const said = collect(child.stderr, ERROR_TEXT_MAX, () => {});
    const fail = (cause: string, isMissing = false) =>
      reject(new CommandError(`${command}: ${cause}`.slice(0, ERROR_TEXT_MAX), { isMissing }));
    child.on('error', (error: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', kill);
      fail(error.code === 'ENOENT' ? 'not found on this node' : error.message, error.code === 'ENOENT');
    });
    child.on('close', code => {
      signal.removeEventListener('abort', kill);
      if (code === 0) resolve(output.text());
      else fail(signal.aborted ? String(signal.reason) : said.text().trim() || `exit code ${code}`);
    });
    // A program that ends without reading breaks the pipe; its exit code tells the rest.
    child.stdin?.on('error', () => {}).end(input);
  });
};

function collect(
  stream: NodeJS.ReadableStream | null,
  lengthMax: number,
  onOverflow: () => void,
): { text: () => string } {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length + chunk.length > lengthMax) onOverflow();
    text = (text + chunk).slice(0, lengthMax);
  });
  return { text: () => text };
}
