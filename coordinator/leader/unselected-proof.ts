import type { InstanceNames } from '../../common/instance-names.ts';
import type { PodView } from '../core/cluster-view.ts';
import { isSelected } from '../core/selector-index.ts';
import { claimOfIngress } from '../ingress/ingress-claim.ts';
import type { IngressRecord } from '../kube/ingress-reflector.ts';
import type { NamespaceList } from '../kube/namespace-services.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import { claimOf } from '../loadbalancers/service-claim.ts';
import type { Claim, ServiceIntent } from '../loadbalancers/service-intent.ts';
import type { TkeControllers } from './claims.ts';
import type { LeaderPorts } from './leader-ports.ts';

interface KnownList {
  readonly startedAt: number;
  readonly intents: readonly ServiceIntent[];
}

/** Law L3: only a list of Services and Ingresses that began after a Pod was first reported can tell that nothing selects it. */
export class UnselectedProof {
  readonly #ports: Pick<LeaderPorts, 'listServices'>;
  readonly #tkeController: TkeControllers;
  readonly #names: InstanceNames;
  readonly #lists = new Map<string, KnownList>();
  /** By namespace, the Pods that wait for another list. */
  readonly #waiting = new Map<string, Set<string>>();

  constructor(options: {
    ports: Pick<LeaderPorts, 'listServices'>;
    tkeController: TkeControllers;
    names: InstanceNames;
  }) {
    this.#names = options.names;
    this.#ports = options.ports;
    this.#tkeController = options.tkeController;
  }

  /** False until proven; then another list is asked for, and `listed` names the Pod when it has come. */
  holdsFor({ record, firstSeenAt }: PodView): boolean {
    const { namespace, uid } = record;
    const list = this.#lists.get(namespace);
    const isProven =
      list !== undefined &&
      list.startedAt >= firstSeenAt &&
      !list.intents.some(({ rules }) => rules.some(rule => isSelected({ namespace, selector: rule.selector }, record)));
    if (isProven) return true;
    // What selects it on this list may be gone by now: only another one can tell.
    this.#waiting.set(namespace, (this.#waiting.get(namespace) ?? new Set()).add(uid));
    this.#ports.listServices(namespace);
    return false;
  }

  /** A consistent list of the namespace; without Ingresses it proves nothing. @returns the Pods that waited for it */
  listed(namespace: string, list: NamespaceList): Iterable<string> {
    if (!list.ingresses) return [];
    const claims = [...this.#ofServices(list), ...this.#ofIngresses(list.services, list.ingresses)];
    const intents = claims.flatMap(claim => (claim.kind === 'claimed' && !claim.intent.leaving ? [claim.intent] : []));
    this.#lists.set(namespace, { startedAt: list.startedAt, intents });
    const waiting = this.#waiting.get(namespace) ?? [];
    this.#waiting.delete(namespace);
    return waiting;
  }

  #ofServices({ services }: NamespaceList): Claim[] {
    const options = { names: this.#names, tkeController: this.#tkeController('Service') === true };
    return services.map(service => claimOf(service, options));
  }

  /** Whatever certificates there are: they select nothing. */
  #ofIngresses(services: readonly ServiceRecord[], ingresses: readonly IngressRecord[]): Claim[] {
    const facts = {
      names: this.#names,
      tkeController: this.#tkeController('Ingress') === true,
      service: (name: string) => services.find(service => service.name === name),
      secret: () => undefined,
    };
    return ingresses.map(ingress => claimOfIngress(ingress, facts));
  }
}
