import { type Random, randomInteger } from '../../../common/random.ts';
import { pick } from '../pick.ts';
import type { CoordinatorProcess, World } from '../world.ts';
import { coordinators } from './living.ts';

const COUNT = [2, 3] as const;
/** Of seeds, those in which each replica stands in a Pod of its own. */
const IN_PODS_SHARE = 0.5;
/** A leader's last write, and the end of its streams. */
const ENDING_MS = 15_000;
const PODS = '/api/v1/namespaces/clb-direct/pods';

export interface ReplicasPlan {
  readonly count: number;
  /** True: each in a Pod whose node can tell that its container has ended, and which restarts it. */
  readonly isInPods: boolean;
}

export function drawReplicas(random: Random): ReplicasPlan {
  return { count: randomInteger(random, ...COUNT), isInPods: random.next() < IN_PODS_SHARE };
}

/** The coordinators of a run: how they come and how they go. */
export class Replicas {
  readonly #world: World;
  readonly #plan: ReplicasPlan;

  constructor(world: World, plan: ReplicasPlan) {
    this.#world = world;
    this.#plan = plan;
  }

  begin(): void {
    for (let number = 1; number <= this.#plan.count; number += 1) this.#add(`node-${number}`);
  }

  /** SIGKILL. In a Pod its container is started again by itself. */
  kill(replica: CoordinatorProcess): void {
    if (replica.home.nodeName === undefined) replica.sever();
    else this.#world.crash(replica.home.podUid);
  }

  /** SIGTERM, and time to end. */
  stop({ home, stop }: CoordinatorProcess): void {
    if (home.nodeName === undefined) stop.abort();
    else this.#world.send('DELETE', `${PODS}/${home.podName}`);
  }

  /** In place of one that was stopped. */
  replace(random: Random): void {
    if (!this.#plan.isInPods) this.#world.startCoordinator();
    else this.#add(pick(random, this.#nodesThatAreOn()));
  }

  /** In place of those that were killed, where nothing starts them again. */
  restart(count: number): void {
    if (this.#plan.isInPods) return;
    for (let started = 0; started < count; started += 1) this.#world.startCoordinator();
  }

  /** As many as there were in the beginning. */
  mend(): void {
    const missing = this.#plan.count - coordinators(this.#world).length;
    const nodes = this.#nodesThatAreOn();
    for (let number = 0; number < missing; number += 1) this.#add(nodes[number % nodes.length] ?? '');
  }

  /** As many as there were, where containers came back beside what was started in their place. */
  async trim(): Promise<void> {
    const surplus = coordinators(this.#world).slice(this.#plan.count);
    for (const replica of surplus) this.stop(replica);
    if (surplus.length > 0) await this.#world.clock.advance(ENDING_MS);
  }

  /** All end kindly, and as many begin anew. */
  async renewAll(): Promise<void> {
    for (const replica of coordinators(this.#world)) this.stop(replica);
    await this.#world.clock.advance(ENDING_MS);
    this.mend();
  }

  /** The node is gone for good, and with it what stood there. */
  leave(nodeName: string, random: Random): void {
    const lost = new Set(this.#world.coordinators.filter(({ home }) => home.nodeName === nodeName).map(podNameOf));
    for (const podName of lost) this.#world.send('DELETE', `${PODS}/${podName}`, { gracePeriodSeconds: 0 });
    if (lost.size > 0) this.replace(random);
  }

  /** Whether somebody leads or could when everything on the node is gone. */
  surviveWithout(nodeName: string): boolean {
    return coordinators(this.#world).some(({ home, clock }) => home.nodeName !== nodeName && !clock.isFrozen);
  }

  #nodesThatAreOn(): readonly string[] {
    return [...this.#world.nodes.values()].filter(({ isDark }) => !isDark).map(({ name }) => name);
  }

  #add(nodeName: string): void {
    if (this.#plan.isInPods) this.#world.deployCoordinator(nodeName, 'Always');
    else this.#world.startCoordinator();
  }
}

function podNameOf({ home }: CoordinatorProcess): string {
  return home.podName;
}
