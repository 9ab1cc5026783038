import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import type { Pod } from '../../common/kube/objects.ts';
import type { ReflectorEvent } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import { MINIMUM_HOLD_ANNOTATION } from '../../common/names.ts';
import type { Random } from '../../common/random.ts';
import type { Knowledge, KnowledgeChange } from '../knowledge.ts';
import { type NamespaceRecord, runNamespaceReflector } from '../kube/namespace-reflector.ts';
import { TkeControllers } from '../kube/tke-controllers.ts';
import { ClaimedSelections } from './claimed-selections.ts';
import { DrainTimes } from './drain-times.ts';
import type { Surroundings } from './surroundings.ts';

export interface AdmissionMemoryOptions {
  readonly names: InstanceNames;
  readonly knowledge: Knowledge;
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What a replica has in memory to answer admissions from, so that no answer waits for anybody. */
export class AdmissionMemory {
  readonly #options: AdmissionMemoryOptions;
  readonly #namespaces = new Map<string, NamespaceRecord>();
  readonly #tkeControllers: TkeControllers;
  readonly #selections: ClaimedSelections;
  readonly #drainTimes = new DrainTimes();

  constructor(options: AdmissionMemoryOptions) {
    this.#options = options;
    const { names, knowledge } = options;
    this.#tkeControllers = new TkeControllers({ ...options, onChange: () => this.#selections.refreshAll() });
    this.#selections = new ClaimedSelections({
      names,
      knowledge,
      tkeController: kind => this.#tkeControllers.has(kind),
    });
  }

  /** Keeps up until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { knowledge } = this.#options;
    const unfollow = knowledge.follow(change => this.#follow(change));
    this.#selections.refreshAll();
    const onEvent = (event: ReflectorEvent<NamespaceRecord>) => this.#applyNamespace(event);
    await Promise.all([runNamespaceReflector({ ...this.#options, onEvent }, signal), this.#tkeControllers.run(signal)]);
    unfollow();
  }

  /** As far as it is known now. */
  surroundingsOf(namespaceName: string, { metadata }: Pod): Surroundings {
    const labels = metadata.labels ?? {};
    return {
      namespaceName,
      namespace: this.#namespaces.get(namespaceName),
      isSelected: this.#selections.isSelected(namespaceName, labels),
      sleepSeconds: this.#drainTimes.sleepSeconds(this.#selections.loadBalancersOf(namespaceName, labels)),
    };
  }

  #follow(change: KnowledgeChange): void {
    this.#selections.follow(change);
    if (change.kind !== 'drain-answered') return;
    const pod = this.#options.knowledge.store.pods.get(change.podUid)?.record;
    // Held for its own sake, it tells nothing about its load balancers.
    const isTelling = pod?.annotations[MINIMUM_HOLD_ANNOTATION] === undefined;
    if (pod && isTelling)
      this.#drainTimes.ended(change.answer, this.#selections.loadBalancersOf(pod.namespace, pod.labels));
  }

  #applyNamespace(event: ReflectorEvent<NamespaceRecord>): void {
    switch (event.type) {
      case 'replaced':
        this.#namespaces.clear();
        for (const [name, record] of event.items) this.#namespaces.set(name, record);
        return;
      case 'applied':
        this.#namespaces.set(event.key, event.item);
        return;
      case 'deleted':
        this.#namespaces.delete(event.key);
        return;
      case 'progressed':
        return;
    }
  }
}
