import { readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { type SocketRow, SocketTableScanner } from './socket-table.ts';

/** The kernel gives at most a page for each read of such a file. */
const CHUNK_BYTES = 4_096;
/**
 * So many reads in a row hold up the event loop for a few milliseconds at most (0.5 ms each, measured on a loaded machine).
 * With asynchronous reads alone a table of hundreds of pages takes as many turns of the loop, which under many calls is
 * seconds.
 */
const READS_PER_TURN = 8;

/**
 * The sockets of these local ports in the table at `path`, none in TIME_WAIT. The table is never in memory as a whole.
 * @throws Error when it cannot be read, or the signal's reason.
 */
export async function readSockets(
  path: string,
  localPorts: readonly number[],
  signal: AbortSignal,
): Promise<readonly SocketRow[]> {
  const scanner = new SocketTableScanner(localPorts);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  await using file = await open(path);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return scanner.end();
    scanner.push(chunk.subarray(0, bytesRead));
    if (isAtEnd(file.fd, chunk, scanner)) return scanner.end();
  }
}

/** Takes the next pages at once. */
function isAtEnd(descriptor: number, chunk: Buffer, scanner: SocketTableScanner): boolean {
  for (let reads = 1; reads < READS_PER_TURN; reads += 1) {
    const bytesRead = readSync(descriptor, chunk, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return true;
    scanner.push(chunk.subarray(0, bytesRead));
  }
  return false;
}
