import type { Socket } from 'node:net';

/**
 * Connections that have not brought a call yet. A kubelet sends its call at once, so where there are too many, the oldest
 * give way: whoever opens connections for nothing cannot keep a call out.
 */
export class UnprovenConnections {
  readonly #sockets = new Set<Socket>();
  readonly #max: number;
  readonly #onEvicted: () => void;

  constructor({ max, onEvicted }: { readonly max: number; readonly onEvicted: () => void }) {
    this.#max = max;
    this.#onEvicted = onEvicted;
  }

  add(socket: Socket): void {
    const [oldest] = this.#sockets;
    if (oldest && this.#sockets.size >= this.#max) {
      this.#sockets.delete(oldest);
      oldest.destroy();
      this.#onEvicted();
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** It has brought a call that may be held. */
  prove(socket: Socket): void {
    this.#sockets.delete(socket);
  }
}
