import type { Timer } from '../../common/clock.ts';
import { type Random, randomInteger } from '../../common/random.ts';
import { drawAnyFault, drawFault } from './cloud-faults.ts';
import type { RefusedSpan, Span } from './evidence.ts';
import { pick } from './pick.ts';
import type { World } from './world.ts';

/** From the end of one to the beginning of the next. */
const GAP_MS = [500, 4_000] as const;
/** CLB's faults wait no longer than this for a call. */
const FAULT_MS = 8_000;
/** Less than after which agents no longer wait for a leader, a take-over included. */
const API_OUTAGE_MS = [2_000, 12_000] as const;
const RESTART_MS = [500, 5_000] as const;
/** A lease that nobody released, and the take-over after it. */
const TAKE_OVER_MS = 14_000;
const REFUSED_MS = [1_000, 40_000] as const;

/**
 * `bearable`: nothing of it excuses a lost request. `any`: whatever can go wrong, several things at once; requests may be
 * lost, but no law is broken, and afterwards everything is mended.
 */
export type Severity = 'bearable' | 'any';

/**
 * What goes wrong in a run, drawn from a seed, one thing after another: CLB misbehaves, leaders stop or die, agents are
 * upgraded, the coordinators lose the API server. Nothing of it excuses a broken law.
 */
export class Misfortunes {
  readonly told: string[] = [];
  readonly refused: RefusedSpan[] = [];
  /** When coordinators heard nothing of the API server. */
  readonly outages: Span[] = [];
  readonly #world: World;
  readonly #random: Random;
  readonly #severity: Severity;
  #timer: Timer | undefined;

  constructor({ world, random, severity = 'bearable' }: { world: World; random: Random; severity?: Severity }) {
    this.#world = world;
    this.#random = random;
    this.#severity = severity;
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
      ...(this.#severity === 'any' ? [() => this.#agentDies(), () => this.#addressIsRefused()] : []),
    ];
    const lastsMs = this.#pick(kinds)();
    this.#after(lastsMs + this.#draw(GAP_MS), () => this.#next());
  }

  #cloudFault(): number {
    const faults = this.#severity === 'any' ? this.#several(drawAnyFault) : [drawFault(this.#random)];
    for (const fault of faults) {
      this.#tell(`CLB: ${JSON.stringify(fault)}`);
      this.#world.clb.faults.add(fault);
    }
    this.#world.clock.schedule(FAULT_MS, () => this.#world.clb.faults.clear());
    return FAULT_MS;
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

  /** Its hook calls break, and nobody takes new ones until the next one stands. */
  #agentDies(): number {
    const [nodeName, agent] = this.#pick([...this.#world.agents]);
    const restartMs = this.#draw(RESTART_MS);
    this.#tell(`${agent.name} is killed`);
    agent.sever();
    this.#world.clock.schedule(restartMs, () => void this.#world.startAgent(nodeName));
    return restartMs;
  }

  /** As when its network interface is being attached: CLB takes the address later. */
  #addressIsRefused(): number {
    const addresses = this.#world.servers.addresses();
    if (addresses.length === 0) return 0;
    const { clb, clock } = this.#world;
    const address = this.#pick(addresses);
    const refusedMs = this.#draw(REFUSED_MS);
    this.#tell(`CLB refuses ${address} for ${refusedMs} ms`);
    clb.elsewhere.refuse([address]);
    this.refused.push({ address, from: clock.wallNow(), to: clock.wallNow() + refusedMs });
    clock.schedule(refusedMs, () => clb.elsewhere.accept([address]));
    return 0;
  }

  #apiServerIsGone(): number {
    const outageMs = this.#draw(API_OUTAGE_MS);
    const reach = this.#pick(['refused', 'silent'] as const);
    const living = this.#world.coordinators.filter(({ stop }) => !stop.signal.aborted);
    this.#tell(`the API server is ${reach} to coordinators for ${outageMs} ms`);
    for (const { kube } of living) kube.set(reach);
    const from = this.#world.clock.wallNow();
    this.outages.push({ from, to: from + outageMs });
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

  #several<T>(drawOne: (random: Random) => T): readonly T[] {
    return Array.from({ length: this.#draw([1, 3]) }, () => drawOne(this.#random));
  }

  #draw(range: readonly [number, number]): number {
    return randomInteger(this.#random, ...range);
  }

  #pick<T>(choices: readonly T[]): T {
    return pick(this.#random, choices);
  }
}
