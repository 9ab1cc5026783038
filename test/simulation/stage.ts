import type { Breach } from './breach.ts';
import { breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, MERGE_PATCH, restartPatch, SERVICES, service } from './manifests.ts';
import { startTraffic, type Traffic, untilServing } from './traffic.ts';
import { World } from './world.ts';

const NAME = 'web';
const REPLICAS = 3;
const ROLLING_UPDATE_MS = 120_000;

/** One Deployment of three Pods behind one Service, under load: for a rolling update in which something goes wrong. */
export class Stage {
  readonly world: World;
  readonly traffic: Traffic;

  constructor(world: World, traffic: Traffic) {
    this.world = world;
    this.traffic = traffic;
  }

  static async make(seed: number): Promise<Stage> {
    const world = new World({ seed });
    await world.start();
    await world.create(DEPLOYMENTS, deployment(NAME, { replicas: REPLICAS, hooked: true }));
    await world.create(SERVICES, service(NAME));
    await untilServing(world, NAME, REPLICAS);
    return new Stage(world, await startTraffic(world, NAME));
  }

  /** What `kubectl rollout restart` does; returns at once. */
  async restart(): Promise<void> {
    await this.world.request('PATCH', `${DEPLOYMENTS}/${NAME}`, restartPatch(this.world.clock.now()), MERGE_PATCH);
  }

  /** Virtual time moves on until a preStop hook is being held. */
  async untilDraining(): Promise<{ podName: string; nodeName: string; podIp: string | undefined }> {
    const { records, clock } = this.world;
    const from = records.length;
    const begun = () => records.slice(from).find(({ type }) => type === 'preStopBegan');
    await clock.advanceUntil(() => begun() !== undefined, ROLLING_UPDATE_MS);
    await clock.advance(1_000);
    const record = begun();
    if (!record) throw new Error('a drain had begun');
    return record;
  }

  /** Gives the rolling update its time, ends everything, and tells what was lost and broken. */
  async end(): Promise<{ lost: [string, number][]; breaches: readonly Breach[]; replaced: number }> {
    await this.world.clock.advance(ROLLING_UPDATE_MS);
    await untilServing(this.world, NAME, REPLICAS);
    await this.traffic.stop();
    const report = {
      lost: [...this.traffic.tally.lost],
      breaches: breaches(this.world),
      replaced: this.world.records.filter(({ type }) => type === 'removed').length,
    };
    await this.world.close();
    return report;
  }
}

/** A rolling update that nobody noticed. */
export const LOSSLESS = { lost: [], breaches: [], replaced: REPLICAS };
