import type { Timer } from '../../common/clock.ts';
import { type Random, randomInteger } from '../../common/random.ts';
import type { Fault } from '../../sandbox/clb/faults.ts';
import type { World } from './world.ts';

const TARGET_WRITES = ['BatchRegisterTargets', 'BatchDeregisterTargets', 'BatchModifyTargetWeight'] as const;
const READS = ['DescribeTargets', 'DescribeTargetHealth', 'DescribeListeners', 'DescribeTaskStatus'] as const;
/** From the end of one to the beginning of the next. */
const GAP_MS = [500, 4_000] as const;
/** CLB's faults wait no longer than this for a call. */
const FAULT_MS = 8_000;
/** Less than after which agents no longer wait for a leader, a take-over included. */
const API_OUTAGE_MS = [2_000, 12_000] as const;
const RESTART_MS = [500, 5_000] as const;
/** A lease that nobody released, and the take-over after it. */
const TAKE_OVER_MS = 14_000;

/**
 * What goes wrong in a run, drawn from a seed, one thing after another: CLB misbehaves, leaders stop or die, agents are
 * upgraded, the coordinators lose the API server. Nothing of it excuses a lost request or a broken law.
 */
export class Misfortunes {
  readonly told: string[] = [];
  readonly #world: World;
  readonly #random: Random;
  #timer: Timer | undefined;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  begin(): void {
    this.#after(this.#draw(GAP_MS), () => this.#next());
  }

  end(): void {
    this.#timer?.cancel();
  }

  #next(): void {
    const kinds = [
      () => this.#cloudFault(),
      () => this.#cloudFault(),
      () => this.#cloudFault(),
      () => this.#cloudFault(),
      () => this.#leaderStops(),
      () => this.#leaderDies(),
      () => this.#agentIsUpgraded(),
      () => this.#apiServerIsGone(),
    ];
    const lastsMs = this.#pick(kinds)();
    this.#after(lastsMs + this.#draw(GAP_MS), () => this.#next());
  }

  #cloudFault(): number {
    const fault = this.#drawFault();
    this.#tell(`CLB: ${JSON.stringify(fault)}`);
    this.#world.clb.faults.add(fault);
    this.#world.clock.schedule(FAULT_MS, () => this.#world.clb.faults.clear());
    return FAULT_MS;
  }

  #drawFault(): Fault {
    const write = this.#pick(TARGET_WRITES);
    const any = this.#pick([...TARGET_WRITES, ...READS]);
    const few = this.#draw([1, 3]);
    return this.#pick<Fault>([
      { action: write, kind: 'lose-reply', count: few },
      { action: write, kind: 'do-nothing', count: few },
      { action: write, kind: 'fail-task', count: few },
      { action: write, kind: 'late-error', code: 'InternalError', count: few },
      { action: write, kind: 'late-error', code: 'FailedOperation', count: few },
      { action: write, kind: 'error', code: 'FailedOperation.ResourceInOperating', count: this.#draw([3, 12]) },
      { action: any, kind: 'error', code: 'RequestLimitExceeded', count: this.#draw([2, 6]) },
      { action: any, kind: 'error', code: 'InternalError', count: few },
      { action: this.#pick(READS), kind: 'lose-reply', count: few },
      { action: any, kind: 'delay-reply', delayMs: this.#draw([500, 4_000]), count: few },
      { action: any, kind: 'delay', delayMs: this.#draw([500, 4_000]), count: few },
    ]);
  }

  #leaderStops(): number {
    const leader = this.#world.leader();
    if (!leader) return 0;
    this.#tell(`${leader.name} is stopped`);
    leader.stop.abort();
    return this.#replaceLeader();
  }

  #leaderDies(): number {
    const leader = this.#world.leader();
    if (!leader) return 0;
    this.#tell(`${leader.name} is killed`);
    leader.sever();
    return this.#replaceLeader() + TAKE_OVER_MS;
  }

  #replaceLeader(): number {
    const restartMs = this.#draw(RESTART_MS);
    this.#world.clock.schedule(restartMs, () => void this.#world.startCoordinator());
    return restartMs;
  }

  /** As a DaemonSet with `maxSurge` does it: the new one stands before the old one goes. */
  #agentIsUpgraded(): number {
    const [nodeName, old] = this.#pick([...this.#world.agents]);
    const overlapMs = this.#draw(RESTART_MS);
    this.#tell(`${old.name} is upgraded`);
    this.#world.startAgent(nodeName);
    this.#world.clock.schedule(overlapMs, () => old.stop.abort());
    return overlapMs;
  }

  #apiServerIsGone(): number {
    const outageMs = this.#draw(API_OUTAGE_MS);
    const reach = this.#pick(['refused', 'silent'] as const);
    const living = this.#world.coordinators.filter(({ stop }) => !stop.signal.aborted);
    this.#tell(`the API server is ${reach} to coordinators for ${outageMs} ms`);
    for (const { kube } of living) kube.set(reach);
    this.#world.clock.schedule(outageMs, () => {
      for (const { kube } of living) kube.set('open');
    });
    return outageMs + TAKE_OVER_MS;
  }

  #tell(text: string): void {
    this.told.push(`${(this.#world.clock.now() / 1_000).toFixed(1)} s: ${text}`);
    this.#world.log.add('misfortune', text);
  }

  #after(delayMs: number, next: () => void): void {
    this.#timer = this.#world.clock.schedule(delayMs, next);
  }

  #draw(range: readonly [number, number]): number {
    return randomInteger(this.#random, ...range);
  }

  #pick<T>(choices: readonly T[]): T {
    const choice = choices[randomInteger(this.#random, 0, choices.length - 1)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  }
}
