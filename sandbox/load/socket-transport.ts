import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ExchangeOptions, type LoadConnection, type LoadTransport, LostError } from './load-transport.ts';
import { type Response, ResponseParser } from './response-parser.ts';

export interface SocketTransportOptions {
  readonly host: string;
  readonly port: number;
  /** What requests say in `Host`; `host` when it is left out. */
  readonly hostHeader?: string;
  /** Over TLS, with the name of `hostHeader` (SNI); certificates are not checked. */
  readonly isSecure?: boolean;
}

/** HTTP/1.1 over sockets of its own: no pool, no retries, nothing hidden. */
export function socketTransport({
  host,
  port,
  hostHeader = host,
  isSecure = false,
}: SocketTransportOptions): LoadTransport {
  return {
    async open(localAddress, signal) {
      signal.throwIfAborted();
      const socket = connect({ host, port, noDelay: true, ...(localAddress !== undefined && { localAddress }) });
      await connected(socket, 'connect', signal);
      if (!isSecure) return new SocketConnection(socket, hostHeader);
      const secure = connectTls({ socket, rejectUnauthorized: false, ...serverName(hostHeader) });
      await connected(secure, 'secureConnect', signal);
      return new SocketConnection(secure, hostHeader);
    },
  };
}

/** SNI knows names, not addresses. */
function serverName(hostHeader: string): { readonly servername?: string } {
  const name = hostHeader.replace(/:\d+$/, '');
  return isIP(name) === 0 ? { servername: name } : {};
}

function connected(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      signal.removeEventListener('abort', onAbort);
      socket.off(event, onDone);
      socket.off('error', onError);
      settled();
    };
    const onDone = () => settle(resolve);
    const onError = (error: Error) => settle(() => reject(lossOf(error)));
    const onAbort = () => {
      settle(() => reject(signal.reason));
      discard(socket);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once(event, onDone);
    socket.once('error', onError);
  });
}

class SocketConnection implements LoadConnection {
  readonly #socket: Socket;
  readonly #hostHeader: string;
  #isOpen = true;
  #exchange: Exchange | undefined;

  constructor(socket: Socket, hostHeader: string) {
    this.#socket = socket;
    this.#hostHeader = hostHeader;
    socket.on('data', bytes => {
      // Bytes that nobody asked for: the server broke the protocol, so this connection is of no more use.
      if (this.#exchange) this.#exchange.onData(bytes);
      else this.close();
    });
    socket.on('end', () => this.#ended(exchange => exchange.onEnd()));
    socket.on('error', error => this.#ended(exchange => exchange.onError(error)));
    socket.on('close', () => this.#ended(exchange => exchange.onEnd()));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async exchange(path: string, { signal, isLast }: ExchangeOptions): Promise<Response> {
    signal.throwIfAborted();
    const onAbort = () => this.#exchange?.fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const response = await new Promise<Response>((resolve, reject) => {
        this.#exchange = new Exchange(resolve, reject);
        const connection = isLast ? 'close' : 'keep-alive';
        this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.#hostHeader}\r\nConnection: ${connection}\r\n\r\n`);
      });
      if (isLast || !response.keepsAlive) this.close();
      return response;
    } catch (error) {
      this.close();
      throw error;
    } finally {
      this.#exchange = undefined;
      signal.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    this.#isOpen = false;
    discard(this.#socket);
  }

  #ended(tell: (exchange: Exchange) => void): void {
    this.#isOpen = false;
    if (this.#exchange) tell(this.#exchange);
    discard(this.#socket);
  }
}

/** A request that waits for its answer. */
class Exchange {
  readonly #parser = new ResponseParser();
  readonly #resolve: (response: Response) => void;
  readonly fail: (reason: unknown) => void;

  constructor(resolve: (response: Response) => void, reject: (reason: unknown) => void) {
    this.#resolve = resolve;
    this.fail = reject;
  }

  onData(bytes: Buffer): void {
    try {
      const response = this.#parser.feed(bytes);
      if (response) this.#resolve(response);
    } catch (error) {
      this.fail(new LostError('other', (error as Error).message, { cause: error }));
    }
  }

  onEnd(): void {
    const response = this.#parser.end();
    if (response) this.#resolve(response);
    else
      this.fail(new LostError('truncated', this.#parser.hasBegun ? 'the answer breaks off' : 'closed without answer'));
  }

  onError(error: Error): void {
    this.fail(lossOf(error));
  }
}

/** Closes without lingering; an error that comes after has no one to tell. */
function discard(socket: Socket): void {
  socket.removeAllListeners();
  socket.on('error', () => {});
  socket.destroy();
}

function lossOf(error: NodeJS.ErrnoException): LostError {
  switch (error.code) {
    case 'ECONNREFUSED':
      return new LostError('refused', error.message, { cause: error });
    case 'ECONNRESET':
    case 'EPIPE':
      return new LostError('reset', error.message, { cause: error });
    case 'ETIMEDOUT':
      return new LostError('timedOut', error.message, { cause: error });
    default:
      return new LostError('other', error.message, { cause: error });
  }
}
