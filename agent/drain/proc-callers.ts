import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { readSockets } from '../connections/proc-sockets.ts';
import type { SocketRow } from '../connections/socket-table.ts';
import { type HookCaller, isKubeletCall } from './caller-check.ts';

/** A table that changes while it is read may miss a row that was there all the time. */
const READINGS = 2;

/**
 * Looks callers up in the node's own socket tables, `<procRoot>/net/tcp` and `tcp6`. However many calls come, each table
 * is read by one reading at a time, which looks for all callers that came before it began.
 */
export class ProcCallers {
  readonly #ipv4: SharedReading;
  readonly #ipv6: SharedReading;

  constructor(procRoot: string) {
    this.#ipv4 = new SharedReading(join(procRoot, 'net', 'tcp'));
    this.#ipv6 = new SharedReading(join(procRoot, 'net', 'tcp6'));
  }

  /** @throws Error when the table cannot be read. */
  async isKubelet(caller: HookCaller): Promise<boolean> {
    const table = isIPv4(caller.calledAddress) ? this.#ipv4 : this.#ipv6;
    for (let reading = 0; reading < READINGS; reading += 1) {
      if (isKubeletCall(await table.socketsOf(caller.sourcePort), caller)) return true;
    }
    return false;
  }
}

class SharedReading {
  readonly #path: string;
  /** Ends with the last reading that was begun; never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  /** The reading that has not begun. */
  #next: { readonly ports: number[]; readonly sockets: Promise<readonly SocketRow[]> } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Sockets with this local port, and perhaps others. */
  socketsOf(port: number): Promise<readonly SocketRow[]> {
    this.#next ??= this.#queue();
    this.#next.ports.push(port);
    return this.#next.sockets;
  }

  #queue() {
    const ports: number[] = [];
    const sockets = this.#last.then(() => {
      this.#next = undefined;
      return readSockets(this.#path, ports, new AbortController().signal);
    });
    this.#last = sockets.catch(() => undefined);
    return { ports, sockets };
  }
}
