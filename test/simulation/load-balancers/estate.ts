import type { Service } from '../../../common/kube/objects.ts';
import { EXISTING_LOAD_BALANCER_ANNOTATION, READINESS_GATE } from '../../../common/names.ts';
import type { Breach } from '../breach.ts';
import { breaches } from '../laws.ts';
import { DEPLOYMENTS, MERGE_PATCH, restartPatch, SERVICES, type ServicePort, service } from '../manifests.ts';
import type { Site } from '../site-client.ts';
import { readyPods, type Traffic, trafficOn } from '../traffic.ts';
import { type CoordinatorProcess, type KubeEvent, World, type WorldOptions } from '../world.ts';
import { Account } from './account.ts';
import { type WorkloadOptions, workload } from './workload.ts';

export interface ServeOptions {
  /** Of the load balancer that it shall use; without it one is made. */
  readonly on?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ports?: readonly ServicePort[];
}

export interface Gate {
  readonly podName: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** How often a condition is looked at that only the API server or CLB can tell. */
const LOOK_MS = 500;
const PATIENCE_MS = 180_000;

export const MINUTE_MS = 60_000;

/** A whole system, the account that it works in, and a user's hands on the API server. */
export class Estate {
  readonly world: World;
  readonly account: Account;
  readonly #traffic: Traffic[] = [];
  #restarts = 0;

  constructor(world: World) {
    this.world = world;
    this.account = new Account(world.clb);
  }

  static async make(options: WorldOptions): Promise<Estate> {
    const world = new World(options);
    await world.start();
    return new Estate(world);
  }

  // --- what a user does

  async deploy(name: string, options: WorkloadOptions): Promise<void> {
    await this.world.create(DEPLOYMENTS, workload(name, options));
  }

  async serve(name: string, { on, annotations, ports }: ServeOptions = {}): Promise<void> {
    const existing = on === undefined ? {} : { [EXISTING_LOAD_BALANCER_ANNOTATION]: on };
    await this.world.create(SERVICES, service(name, { ...existing, ...annotations }, ports));
  }

  /** A Deployment and its Service; returns when all its Pods are Ready. */
  async open(name: string, replicas: number, options: ServeOptions = {}): Promise<void> {
    await this.deploy(name, { replicas });
    await this.serve(name, options);
    await this.untilReady(name, replicas);
  }

  async annotate(serviceName: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.patchService(serviceName, { metadata: { annotations } });
  }

  /** Null: one is to be made. */
  async moveTo(serviceName: string, loadBalancerId: string | null): Promise<void> {
    await this.annotate(serviceName, { [EXISTING_LOAD_BALANCER_ANNOTATION]: loadBalancerId });
  }

  async patchService(name: string, patch: object): Promise<void> {
    await this.world.request('PATCH', `${SERVICES}/${name}`, patch, MERGE_PATCH);
  }

  async patchDeployment(name: string, patch: object): Promise<void> {
    await this.world.request('PATCH', `${DEPLOYMENTS}/${name}`, patch, MERGE_PATCH);
  }

  /** What `kubectl rollout restart` does; returns at once. */
  async restart(name: string): Promise<void> {
    this.#restarts += 1;
    await this.patchDeployment(name, restartPatch(this.#restarts));
  }

  async deleteService(name: string): Promise<void> {
    await this.world.request('DELETE', `${SERVICES}/${name}`);
  }

  async deletePod(name: string): Promise<void> {
    await this.world.request('DELETE', `/api/v1/namespaces/default/pods/${name}`);
  }

  /** The leader's process dies; another replica is started. */
  killLeader(): CoordinatorProcess {
    const leader = this.world.leader();
    if (!leader) throw new Error('nobody leads');
    leader.sever();
    this.world.startCoordinator();
    return leader;
  }

  // --- what a user sees

  async serviceOf(name: string): Promise<Service | undefined> {
    const { items } = (await this.world.request('GET', SERVICES)) as { items: Service[] };
    return items.find(({ metadata }) => metadata.name === name);
  }

  /** The addresses or names that clients of the Service are told. */
  async addressesOf(name: string): Promise<readonly string[]> {
    const found = await this.serviceOf(name);
    return (found?.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '');
  }

  async eventsOf(name: string): Promise<readonly KubeEvent[]> {
    const events = await this.world.events();
    return events.filter(({ involvedObject }) => involvedObject.kind === 'Service' && involvedObject.name === name);
  }

  /** The codes that the Service's Events carry, each once. */
  async codesOf(name: string): Promise<readonly string[]> {
    const events = await this.eventsOf(name);
    return [...new Set(events.map(({ message }) => message.slice(0, 6)))].toSorted();
  }

  async addressesOfPods(app: string): Promise<readonly string[]> {
    const own = (await this.world.pods()).filter(({ metadata }) => metadata.labels?.app === app);
    return own.map(({ status }) => status?.podIP ?? '');
  }

  /** Of Pods that are not being deleted. */
  async gatesOf(app: string): Promise<readonly Gate[]> {
    const own = (await this.world.pods()).filter(({ metadata }) => metadata.labels?.app === app);
    const pods = own.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return pods.map(({ metadata, status }) => {
      const gate = status?.conditions?.find(({ type }) => type === READINESS_GATE);
      const { reason = '', message = '' } = gate ?? {};
      return { podName: metadata.name, status: gate?.status ?? 'none', reason, message };
    });
  }

  // --- time

  async passes(durationMs: number): Promise<void> {
    await this.world.clock.advance(durationMs);
  }

  /** @returns how long it took, in virtual milliseconds */
  async until(what: string, holds: () => boolean | Promise<boolean>, patienceMs = PATIENCE_MS): Promise<number> {
    const { clock } = this.world;
    const from = clock.now();
    while (!(await holds())) {
      if (clock.now() - from > patienceMs) {
        throw new Error(`not within ${patienceMs} ms: ${what}`);
      }
      await clock.advance(LOOK_MS);
    }
    return clock.now() - from;
  }

  async untilReady(app: string, count: number): Promise<number> {
    return this.until(`${count} Pods of ${app} are Ready`, async () => {
      return (await readyPods(this.world, app)).length >= count;
    });
  }

  /** A rolling update from its beginning until the last old Pod is gone. */
  async roll(name: string): Promise<void> {
    await this.restart(name);
    await this.untilRolledOut(name);
    await this.until('the last old Pod is gone', async () =>
      (await this.world.pods()).every(({ metadata }) => metadata.deletionTimestamp === undefined),
    );
  }

  /** Every Pod is of the newest template and Ready; the last old one may still be draining. */
  async untilRolledOut(name: string, patienceMs = 600_000): Promise<number> {
    const isDone = async () => {
      const { spec, status, metadata } = (await this.world.request('GET', `${DEPLOYMENTS}/${name}`)) as Rollout;
      const { observedGeneration, replicas, updatedReplicas, availableReplicas } = status;
      const counts = [replicas, updatedReplicas, availableReplicas];
      return observedGeneration === metadata.generation && counts.every(count => count === spec.replicas);
    };
    return this.until(`${name} is rolled out`, isDone, patienceMs);
  }

  // --- load and judgement

  /** Clients of the Service's address, or of the one given. */
  async load(
    name: string,
    { vip, port = 80, site }: { vip?: string; port?: number; site?: Site } = {},
  ): Promise<Traffic> {
    const address = vip ?? (await this.addressesOf(name))[0] ?? '';
    const traffic = trafficOn(this.world, { vip: address, port, group: this.#traffic.length, ...(site && { site }) });
    this.#traffic.push(traffic);
    return traffic;
  }

  /** @returns what was lost, by reason */
  async stopLoad(): Promise<[string, number][]> {
    for (const traffic of this.#traffic) await traffic.stop();
    return this.#traffic.flatMap(({ tally }) => [...tally.lost]);
  }

  /** Ends everything and tells what was lost and broken on the way. */
  async end({
    targetsMax,
  }: {
    targetsMax?: number;
  } = {}): Promise<{ lost: [string, number][]; breaches: readonly Breach[] }> {
    const lost = await this.stopLoad();
    const { journal, records, apiWrites } = this.world;
    const evidence = { journal, records, apiWrites, ...(targetsMax !== undefined && { targetsMax }) };
    const report = { lost, breaches: breaches(evidence) };
    await this.world.close();
    return report;
  }
}

interface Rollout {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status: Readonly<
    Partial<Record<'observedGeneration' | 'replicas' | 'updatedReplicas' | 'availableReplicas', number>>
  >;
}

/** Nobody noticed anything, and no law was broken. */
export const UNHARMED = { lost: [], breaches: [] };
