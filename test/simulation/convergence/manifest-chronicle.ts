import type { Clock } from '../../../common/clock.ts';
import type { Ingress, KubeObject } from '../../../common/kube/objects.ts';
import type { KubeTransport } from '../../../common/kube/transport.ts';
import { INGRESSES, SECRETS, TKE_SERVICE_CONFIGS } from '../../compatibility/ingress-estate.ts';
import { History } from './history.ts';
import { keepHistory } from './keep-history.ts';

export interface CertificateSecret extends KubeObject {
  /** In base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface ListenerConfig extends KubeObject {
  readonly spec?: { readonly loadBalancer?: LoadBalancerSection };
}

/** As much of a TkeServiceConfig as is drawn. */
export interface LoadBalancerSection {
  readonly l4Listeners?: readonly ({ readonly protocol: string; readonly port: number } & Tuning)[];
  readonly l7Listeners?: readonly {
    readonly protocol: string;
    readonly port: number;
    readonly domains: readonly {
      readonly domain: string;
      readonly rules: readonly ({ readonly url: string } & Tuning)[];
    }[];
  }[];
}

/** Settings that layers 4 and 7 have in common. */
export interface Tuning {
  readonly scheduler?: string;
  readonly healthCheck?: { readonly intervalTime: number };
}

/** Ingresses, and what they and Services refer to, through time. */
export class ManifestChronicle {
  readonly ingresses = new History<Ingress>();
  readonly secrets = new History<CertificateSecret>();
  readonly configs = new History<ListenerConfig>();
  readonly #clock: Clock;
  readonly #kube: KubeTransport;

  constructor(clock: Clock, kube: KubeTransport) {
    this.#clock = clock;
    this.#kube = kube;
  }

  /** Writes until `signal` aborts. Begin before there is any object. */
  async run(signal: AbortSignal): Promise<void> {
    const source = { clock: this.#clock, kube: this.#kube };
    await Promise.all([
      keepHistory({ ...source, path: INGRESSES, history: this.ingresses }, signal),
      keepHistory({ ...source, path: SECRETS, history: this.secrets }, signal),
      keepHistory({ ...source, path: TKE_SERVICE_CONFIGS, history: this.configs }, signal),
    ]);
  }
}
