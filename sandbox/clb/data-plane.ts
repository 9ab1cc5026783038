import { CertificateStore, type PlaneCertificate } from './certificate-store.ts';
import { type Endpoint, endpointKey } from './forwarder.ts';
import { listenHttp } from './http-plane.ts';
import { listenTcp, type PlaneListener, type PlaneOptions } from './tcp-plane.ts';
import { listenUdp } from './udp-plane.ts';

export interface DataPlaneOptions extends PlaneOptions {
  /** Listener port to the port really listened on, for users who may not bind ports below 1024. */
  readonly portMapping: ReadonlyMap<number, number>;
  /** What every listener with TLS shows; when it is left out, one is made for each certificate id. */
  readonly certificate?: PlaneCertificate;
}

/** Opens and closes the sockets of listeners as the forwarders come to know them. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #listeners = new Map<string, PlaneListener>();
  readonly #certificates: CertificateStore;
  readonly #unsubscribe: () => void;
  /** Opening and closing happen one after another, so that a port is free before it is taken again. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#certificates = new CertificateStore(options.clock, options.certificate);
    this.#unsubscribe = options.forwarding.onEndpoint(({ kind, endpoint }) => {
      this.#work = this.#work.then(() => (kind === 'opened' ? this.#open(endpoint) : this.#close(endpoint)));
    });
  }

  /** Resolves when every listener that the forwarders know by now is open, and every other one closed. */
  settled(): Promise<void> {
    return this.#work;
  }

  /** Resolves when every socket is closed. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#work;
    await Promise.all([...this.#listeners.values()].map(listener => listener.close()));
    this.#listeners.clear();
  }

  async #open(endpoint: Endpoint): Promise<void> {
    const listenPort = this.#options.portMapping.get(endpoint.port) ?? endpoint.port;
    try {
      this.#listeners.set(endpointKey(endpoint), await this.#listen(endpoint, listenPort));
    } catch (error) {
      this.#options.onError(cannotListen(endpoint, listenPort, error));
    }
  }

  #listen(endpoint: Endpoint, listenPort: number): Promise<PlaneListener> {
    const options = { ...this.#options, certificates: this.#certificates };
    switch (endpoint.protocol) {
      case 'TCP':
      case 'TCP_SSL':
        return listenTcp(options, endpoint, listenPort);
      case 'UDP':
        return listenUdp(options, endpoint, listenPort);
      case 'HTTP':
      case 'HTTPS':
        return listenHttp(options, endpoint, listenPort);
    }
  }

  async #close(endpoint: Endpoint): Promise<void> {
    const listener = this.#listeners.get(endpointKey(endpoint));
    this.#listeners.delete(endpointKey(endpoint));
    await listener?.close();
  }
}

function cannotListen({ vip, protocol }: Endpoint, listenPort: number, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const what = `cannot listen on ${protocol} ${vip}:${listenPort} (${code})`;
  switch (code) {
    case 'EACCES':
      return `${what}: this user may not bind ports below 1024; start the sandbox with --map-port ${listenPort}=${listenPort + 8_000}, or run it as root`;
    case 'EADDRINUSE':
      return `${what}: another program listens there; stop it or choose another --vip-prefix`;
    case 'EADDRNOTAVAIL':
      return `${what}: this machine does not have the address; choose VIPs out of 127.0.0.0/8 or add it to an interface`;
    default:
      return `${what}; traffic for this listener is refused until it is made anew`;
  }
}
