import { type Random, randomInteger } from '../../../common/random.ts';
import { pick } from '../pick.ts';
import type { Process } from '../process/process.ts';
import type { CoordinatorProcess, World } from '../world.ts';
import { agents, coordinators } from './living.ts';
import type { Begun, Kinds, Site } from './trouble.ts';

const HOUR_MS = 3_600_000;
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/clb-direct/leases/clb-direct';
const RATES = [0.9, 0.95, 1.05, 1.1];

/** What goes wrong with the product's own processes, their clocks and their lease. */
export const PROCESS_TROUBLES: Kinds = {
  'the leader is stopped': { share: 2, lastsMs: [500, 5_000], isBearable: true, begin: stopLeader },
  'the leader is killed': { share: 2, lastsMs: [500, 30_000], isBearable: true, begin: killLeader },
  'a replica is killed': { share: 2, lastsMs: [500, 60_000], isBearable: true, begin: killReplica },
  'all replicas are killed': { share: 1, lastsMs: [500, 30_000], deafens: true, begin: killReplicas },
  'the leader is frozen': { share: 2, lastsMs: [1_000, 40_000], deafens: true, begin: freezeLeader },
  'an agent is upgraded': { share: 2, lastsMs: [500, 10_000], isBearable: true, begin: upgradeAgent },
  'an agent is killed': { share: 2, lastsMs: [500, 60_000], begin: killAgent },
  'all agents are killed': { share: 1, lastsMs: [500, 20_000], begin: killAgents },
  'an agent is frozen': { share: 2, lastsMs: [500, 10_000], begin: freezeAgent },
  'a clock drifts': { share: 2, lastsMs: [10_000, 300_000], isBearable: true, begin: drift },
  'a clock is set': { share: 2, lastsMs: [10_000, 300_000], isBearable: true, begin: step },
  'the lease is stolen': { share: 1, lastsMs: [0, 0], begin: stealLease },
  'the lease is deleted': { share: 1, lastsMs: [0, 0], begin: deleteLease },
};

/** One of several: while nobody is there at all, drains fail open. */
function expendableLeader(world: World): CoordinatorProcess | undefined {
  return coordinators(world).length > 1 ? world.leader() : undefined;
}

function stopLeader({ world, replicas }: Site, random: Random): Begun | undefined {
  const leader = expendableLeader(world);
  if (!leader) return undefined;
  replicas.stop(leader);
  return { text: `${leader.name} is stopped`, end: () => replicas.replace(random) };
}

function killLeader(site: Site): Begun | undefined {
  const leader = expendableLeader(site.world);
  return leader && killed(site, [leader]);
}

/** Not while nobody leads: two who die before one of them could follow the other are gone together. */
function killReplica(site: Site, random: Random): Begun | undefined {
  return expendableLeader(site.world) && killed(site, [pick(random, coordinators(site.world))]);
}

function killReplicas(site: Site): Begun {
  return killed(site, coordinators(site.world));
}

function killed({ world, replicas }: Site, victims: readonly CoordinatorProcess[]): Begun {
  const leader = world.leader();
  const isProven = ({ home: { nodeName } }: CoordinatorProcess) =>
    nodeName !== undefined && world.nodes.get(nodeName)?.tellsExits === true;
  const endsLeader = victims.some(victim => victim === leader && !isProven(victim));
  for (const victim of victims) replicas.kill(victim);
  const names = victims.map(({ name }) => name).join(', ');
  return { text: `${names}: killed`, endsLeader, end: () => replicas.restart(victims.length) };
}

function freezeLeader({ world }: Site): Begun | undefined {
  const leader = world.leader();
  return leader && frozen(leader);
}

/** Its liveness probe ends it, unless it wakes before. */
function freezeAgent({ world }: Site, random: Random): Begun | undefined {
  const living = [...world.agents].filter(([, agent]) => !agent.stop.signal.aborted);
  if (living.length === 0) return undefined;
  const [nodeName, agent] = pick(random, living);
  const { text, end } = frozen(agent);
  if (random.next() < 0.5) return { text, end };
  return {
    text: `${text} until it is killed`,
    end: () => {
      agent.sever();
      if (isAgentMissing(world, nodeName)) world.startAgent(nodeName);
    },
  };
}

function frozen({ name, clock }: Process): Required<Pick<Begun, 'text' | 'end'>> {
  clock.freeze();
  return { text: `${name} is frozen`, end: () => clock.wake() };
}

/** As a DaemonSet with `maxSurge` does it: the new one stands before the old one goes. */
function upgradeAgent({ world }: Site, random: Random): Begun | undefined {
  const [nodeName, old] = pick(random, [...world.agents]);
  if (world.nodes.get(nodeName)?.isDark || old.stop.signal.aborted) return undefined;
  world.startAgent(nodeName);
  return { text: `${old.name} is upgraded`, end: () => old.stop.abort() };
}

function killAgent({ world }: Site, random: Random): Begun {
  return agentsKilled(world, [pick(random, [...world.nodes.keys()])]);
}

function killAgents({ world }: Site): Begun {
  return agentsKilled(world, [...world.nodes.keys()]);
}

function agentsKilled(world: World, nodeNames: readonly string[]): Begun {
  const killed = nodeNames.filter(nodeName => !world.agents.get(nodeName)?.stop.signal.aborted);
  for (const nodeName of killed) world.agents.get(nodeName)?.sever();
  const end = () => {
    for (const nodeName of killed) if (isAgentMissing(world, nodeName)) world.startAgent(nodeName);
  };
  return { text: `the agents of ${killed.join(', ')} are killed`, end };
}

export function isAgentMissing(world: World, nodeName: string): boolean {
  const isDark = world.nodes.get(nodeName)?.isDark ?? true;
  return !isDark && (world.agents.get(nodeName)?.stop.signal.aborted ?? true);
}

function drift({ world }: Site, random: Random): Begun | undefined {
  return onSome(world, random, process => {
    const rate = pick(random, RATES);
    process.clock.drift(rate);
    return { text: `the clock of ${process.name} runs ${rate} times as fast`, end: () => process.clock.drift(1) };
  });
}

function step({ world }: Site, random: Random): Begun | undefined {
  return onSome(world, random, process => {
    const byMs = randomInteger(random, -HOUR_MS, HOUR_MS);
    process.clock.step(byMs);
    return { text: `the clock of ${process.name} is set by ${byMs} ms`, end: () => process.clock.step(-byMs) };
  });
}

function onSome(world: World, random: Random, act: (process: Process) => Begun): Begun | undefined {
  const processes = [...coordinators(world), ...coordinators(world), ...agents(world)];
  return processes.length > 0 ? act(pick(random, processes)) : undefined;
}

/** Somebody who is none of ours says that the lease is his. */
function stealLease({ world }: Site): Begun {
  const renewTime = new Date(world.clock.wallNow()).toISOString().replace('Z', '000Z');
  world.send('PATCH', LEASE, { spec: { holderIdentity: 'thief', renewTime, acquireTime: renewTime } });
  return { text: 'the lease is stolen' };
}

function deleteLease({ world }: Site): Begun {
  world.send('DELETE', LEASE);
  return { text: 'the lease is deleted' };
}
