import { type Endpoint, endpointKey } from './forwarder.ts';
import { listenHttp, type PlaneCertificate } from './http-plane.ts';
import { listenTcp, type PlaneListener, type PlaneOptions } from './tcp-plane.ts';
import { listenUdp } from './udp-plane.ts';

export interface DataPlaneOptions extends PlaneOptions {
  /** Listener port to the port really listened on, for users who may not bind ports below 1024. */
  readonly portMapping: ReadonlyMap<number, number>;
  /** What HTTPS listeners show; one made for this data plane when it is left out. */
  readonly certificate?: PlaneCertificate;
}

/** Opens and closes the sockets of listeners as the forwarders come to know them. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #listeners = new Map<string, PlaneListener>();
  readonly #unsubscribe: () => void;
  /** Opening and closing happen one after another, so that a port is free before it is taken again. */
  #work: Promise<void> = Promise.resolve();
  #certificate: Promise<PlaneCertificate> | undefined;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
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
    switch (endpoint.protocol) {
      case 'TCP':
        return listenTcp(this.#options, endpoint, listenPort);
      case 'UDP':
        return listenUdp(this.#options, endpoint, listenPort);
      case 'HTTP':
      case 'HTTPS': {
        const certificate = () => (this.#certificate ??= certificateOf(this.#options));
        return listenHttp({ ...this.#options, certificate }, endpoint, listenPort);
      }
    }
  }

  async #close(endpoint: Endpoint): Promise<void> {
    const listener = this.#listeners.get(endpointKey(endpoint));
    this.#listeners.delete(endpointKey(endpoint));
    await listener?.close();
  }
}

async function certificateOf({ certificate, clock }: DataPlaneOptions): Promise<PlaneCertificate> {
  if (certificate) return certificate;
  // Most data planes have no HTTPS listener, and the library takes time and memory.
  const { createServerCertificate } = await import('../kube/api/certificates.ts');
  const about = { commonName: 'clb sandbox', addresses: [], names: ['localhost'], wallNowMs: clock.wallNow() };
  return await createServerCertificate(about);
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
