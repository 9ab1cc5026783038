import { type Clock, sleep } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { get } from '../../common/kube/client.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';

export type ClaimableKind = keyof typeof CONFIGURATIONS;

export interface TkeControllersOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  /** Another answer than before, the first one included. */
  readonly onChange: () => void;
}

/** TKE publishes its own controllers here (tke-conventions section 1.8). */
const CONFIGURATIONS = { Service: 'tke-service-controller-config', Ingress: 'tke-ingress-controller-config' };
const KINDS: readonly ClaimableKind[] = ['Service', 'Ingress'];
const LOOK_INTERVAL_MS = 60_000;
const REQUEST_TIMEOUT_MS = 5_000;

/** Whether TKE's own controllers run in this cluster, looked for every minute. */
export class TkeControllers {
  readonly #options: TkeControllersOptions;
  readonly #known = new Map<ClaimableKind, boolean>();

  constructor(options: TkeControllersOptions) {
    this.#options = options;
  }

  /** Undefined until it was looked for. */
  has(kind: ClaimableKind): boolean | undefined {
    return this.#known.get(kind);
  }

  /** Looks until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await Promise.all(KINDS.map(kind => this.#look(kind, signal)));
      await sleep(this.#options.clock, LOOK_INTERVAL_MS, signal).catch(() => undefined);
    }
  }

  async #look(kind: ClaimableKind, signal: AbortSignal): Promise<void> {
    const isThere = await this.#isThere(kind, signal);
    if (signal.aborted || isThere === this.#known.get(kind)) return;
    this.#known.set(kind, isThere);
    this.#options.onChange();
  }

  /** What could not be found out stays as it was, and at first is taken for no. */
  async #isThere(kind: ClaimableKind, signal: AbortSignal): Promise<boolean> {
    const { transport, clock } = this.#options;
    const name = CONFIGURATIONS[kind];
    const path = resourcePath({ version: 'v1', resource: 'configmaps', namespace: 'kube-system', name });
    using limit = deadline(clock, `GET ${path}`, REQUEST_TIMEOUT_MS, signal);
    try {
      await get(transport, path, limit.signal);
      return true;
    } catch (error) {
      return error instanceof KubeResponseError && error.status === 404 ? false : (this.has(kind) ?? false);
    }
  }
}
