import { EXISTING_LOAD_BALANCER_ANNOTATION } from '../../common/names.ts';
import type { Breach } from './breach.ts';
import { breaches } from './laws.ts';
import {
  DEPLOYMENTS,
  deployment,
  MERGE_PATCH,
  restartPatch,
  SERVICES,
  type ServicePort,
  service,
} from './manifests.ts';
import { startTraffic, type Traffic, untilServing } from './traffic.ts';
import { type KubeEvent, World } from './world.ts';

export const SHARED = 'lb-shared';
const GOOD = 'good';

/**
 * A load balancer that somebody made, with a Service `good` on port 80 under load: what a bad neighbour on the same load
 * balancer must not harm. A Deployment `bad` of two Pods waits for its Service.
 */
export class Neighbourhood {
  readonly world: World;
  readonly #traffic: Traffic;

  constructor(world: World, traffic: Traffic) {
    this.world = world;
    this.#traffic = traffic;
  }

  static async make(seed: number): Promise<Neighbourhood> {
    const world = new World({ seed });
    await world.start();
    world.clb.seed({ id: SHARED });
    for (const name of [GOOD, 'bad']) await world.create(DEPLOYMENTS, deployment(name, { replicas: 2, hooked: true }));
    await world.create(SERVICES, service(GOOD, { [EXISTING_LOAD_BALANCER_ANNOTATION]: SHARED }));
    await untilServing(world, GOOD, 2);
    return new Neighbourhood(world, await startTraffic(world, GOOD));
  }

  /** A Service `bad`, by default on port 81 of the shared load balancer. */
  async addBad(
    annotations: Record<string, string> = {},
    ports: readonly ServicePort[] = [{ port: 81 }],
  ): Promise<void> {
    const all = { [EXISTING_LOAD_BALANCER_ANNOTATION]: SHARED, ...annotations };
    await this.world.create(SERVICES, service('bad', all, ports));
  }

  async annotate(service: string, annotations: Record<string, string | null>): Promise<void> {
    await this.world.request('PATCH', `${SERVICES}/${service}`, { metadata: { annotations } }, MERGE_PATCH);
  }

  /** A rolling update of a Deployment, and time for it to end. */
  async roll(name = GOOD): Promise<void> {
    await this.world.request('PATCH', `${DEPLOYMENTS}/${name}`, restartPatch(this.world.clock.now()), MERGE_PATCH);
    await this.world.clock.advance(90_000);
    await untilServing(this.world, name, 2);
  }

  /** What `kubectl describe service` shows. */
  async eventsOf(service: string): Promise<readonly KubeEvent[]> {
    const events = await this.world.events();
    return events.filter(({ involvedObject }) => involvedObject.kind === 'Service' && involvedObject.name === service);
  }

  /** Calls that reached CLB since then, in wall milliseconds. */
  callsSince(at: number, action?: string): number {
    const calls = this.world.journal.filter(record => record.kind === 'call' && record.at >= at);
    return calls.filter(call => action === undefined || (call.kind === 'call' && call.action === action)).length;
  }

  /** Weights above 0 on a port of the shared load balancer, by address. */
  async openOn(port: number, loadBalancerId = SHARED): Promise<number> {
    let open = 0;
    const { Listeners } = (await this.ask('DescribeTargets', { LoadBalancerId: loadBalancerId })) as {
      Listeners: { Port: number; Targets: { Weight: number }[] }[];
    };
    for (const listener of Listeners) {
      if (listener.Port === port) open += listener.Targets.filter(({ Weight }) => Weight > 0).length;
    }
    return open;
  }

  /** A call of CLB by somebody else. */
  async ask(action: string, parameters: object): Promise<Record<string, unknown>> {
    let settled = false;
    const answer = this.world.clb.elsewhere.call(action, parameters).finally(() => {
      settled = true;
    });
    await this.world.clock.advanceUntil(() => settled, 60_000);
    return answer;
  }

  /** Rolls the good Service once more, ends everything and tells what was lost and broken. */
  async end(): Promise<{ lost: [string, number][]; breaches: readonly Breach[] }> {
    await this.roll();
    await this.#traffic.stop();
    const report = { lost: [...this.#traffic.tally.lost], breaches: breaches(this.world) };
    await this.world.close();
    return report;
  }
}

export const UNHARMED = { lost: [], breaches: [] };
