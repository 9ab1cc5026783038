import type { Clock } from '../../common/clock.ts';
import type { ModelledProcess, ModelledProgram } from '../../sandbox/kube/kubelet/modelled-runtime.ts';
import type { EventLog } from './event-log.ts';

/** How a program takes SIGTERM: `fast` drops what is open, as nginx does; `graceful` finishes what it has begun. */
type Manner = 'fast' | 'graceful';

const IMAGES: Readonly<Record<string, Manner>> = {
  nginx: 'fast',
  echo: 'graceful',
  crashing: 'fast',
  'crashing-when-ready': 'fast',
};
/** After which a program ends by itself. */
const LIFE_MS: Readonly<Record<string, number>> = { crashing: 8_000, 'crashing-when-ready': 300 };
/** Every program serves the same on all of them. */
const PORTS = [80, 8080];
const LOADING_MS = 50;

/** One connection as the server's kernel sees it. */
export interface ServerConnection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Ends the request in progress, well or not. */
  endRequest(): void;
  beginRequest(): void;
  close(): void;
}

/** A process that serves one address; connections are records. */
export class ModelServer {
  readonly podUid: string;
  readonly address: string;
  readonly #manner: Manner;
  readonly #open = new Map<ServerConnection, { onReset: () => void; busy: boolean }>();
  #accepting = true;
  #onIdle: (() => void) | undefined;
  served = 0;

  constructor(podUid: string, address: string, manner: Manner) {
    this.podUid = podUid;
    this.address = address;
    this.#manner = manner;
  }

  get connections(): readonly ServerConnection[] {
    return [...this.#open.keys()];
  }

  /** Undefined when the port is closed. `onReset`: the server dropped the connection. */
  accept(remote: { address: string; port: number }, onReset: () => void): ServerConnection | undefined {
    if (!this.#accepting) return undefined;
    const connection: ServerConnection = {
      remoteAddress: remote.address,
      remotePort: remote.port,
      beginRequest: () => this.#mark(connection, true),
      endRequest: () => {
        this.served += 1;
        this.#mark(connection, false);
      },
      close: () => this.#forget(connection),
    };
    this.#open.set(connection, { onReset, busy: false });
    return connection;
  }

  /** Resolves when the process has ended. */
  terminate(): Promise<void> {
    this.#accepting = false;
    if (this.#manner === 'fast') {
      this.kill();
      return Promise.resolve();
    }
    for (const [connection, state] of this.#open) if (!state.busy) this.#drop(connection);
    return this.#open.size === 0 ? Promise.resolve() : new Promise(resolve => (this.#onIdle = resolve));
  }

  kill(): void {
    this.#accepting = false;
    for (const connection of [...this.#open.keys()]) this.#drop(connection);
  }

  #mark(connection: ServerConnection, busy: boolean): void {
    const state = this.#open.get(connection);
    if (!state) return;
    state.busy = busy;
    if (!busy && !this.#accepting) this.#drop(connection);
  }

  #drop(connection: ServerConnection): void {
    const state = this.#open.get(connection);
    this.#forget(connection);
    state?.onReset();
  }

  #forget(connection: ServerConnection): void {
    this.#open.delete(connection);
    if (this.#open.size === 0) this.#onIdle?.();
  }
}

/** All model processes of the cluster, by the address they serve. */
export class ModelServers {
  readonly #byAddress = new Map<string, ModelServer>();
  readonly #clock: Clock;
  readonly #log: EventLog;

  constructor(clock: Clock, log: EventLog) {
    this.#clock = clock;
    this.#log = log;
  }

  at(address: string, port: number): ModelServer | undefined {
    return PORTS.includes(port) ? this.#byAddress.get(address) : undefined;
  }

  /** All that are served now. */
  addresses(): readonly string[] {
    return [...this.#byAddress.keys()];
  }

  /** The servers of one Pod. */
  ofPod(podUid: string): readonly ModelServer[] {
    return [...this.#byAddress.values()].filter(server => server.podUid === podUid);
  }

  /** The program of an image, for a modelled runtime. */
  programOf(image: string): ModelledProgram | undefined {
    const name = image.split(':')[0] ?? '';
    const manner = IMAGES[name];
    if (!manner) return undefined;
    return process => {
      this.#run(process, manner);
      const lifeMs = LIFE_MS[name];
      if (lifeMs !== undefined) this.#clock.schedule(lifeMs, () => process.exit(1));
    };
  }

  #run(process: ModelledProcess, manner: Manner): void {
    const { podUid, podIp, podName } = process.spec;
    const server = new ModelServer(podUid, podIp, manner);
    this.#clock.schedule(LOADING_MS, () => {
      this.#byAddress.set(podIp, server);
      for (const port of PORTS) process.listen(port);
    });
    process.onTerm(() => {
      this.#log.add('process', { pod: podName, signal: 'TERM', open: server.connections.length });
      for (const port of PORTS) process.unlisten(port);
      void server.terminate().then(() => process.exit(0));
    });
    process.onExit(() => {
      this.#log.add('process', { pod: podName, exited: true, open: server.connections.length });
      server.kill();
      if (this.#byAddress.get(podIp) === server) this.#byAddress.delete(podIp);
    });
  }
}
