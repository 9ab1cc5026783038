import { type Random, randomInteger } from '../../../common/random.ts';
import type { Link } from '../link.ts';
import { pick } from '../pick.ts';
import type { Process } from '../process/process.ts';
import type { Route } from '../route.ts';
import type { World } from '../world.ts';
import { agents, coordinators } from './living.ts';
import type { Begun, Kinds, Site } from './trouble.ts';

/** A message may be late by so much. */
const DELAY_MS = [20, 4_000] as const;

/** What goes wrong on the ways between processes. */
export const NETWORK_TROUBLES: Kinds = {
  'streams are slow': { share: 2, lastsMs: [2_000, 60_000], begin: slowStreams },
  'streams are cut': { share: 2, lastsMs: [0, 0], begin: cutStreams },
  'a stream is silent': { share: 3, lastsMs: [500, 90_000], begin: silentStream },
  'a coordinator loses the API server': {
    share: 2,
    lastsMs: [500, 60_000],
    deafens: true,
    begin: (site, random) => maroonCoordinator(site, random, 'kube'),
  },
  'an agent loses the API server': {
    share: 2,
    lastsMs: [500, 120_000],
    begin: blindAgent,
  },
  'a coordinator loses CLB': {
    share: 2,
    lastsMs: [500, 60_000],
    begin: (site, random) => maroonCoordinator(site, random, 'clb'),
  },
  'everybody loses the API server': { share: 1, lastsMs: [1_000, 90_000], deafens: true, begin: loseApiServer },
  'everybody loses CLB': { share: 1, lastsMs: [1_000, 60_000], begin: loseCloud },
  'a way to a server is slow': { share: 2, lastsMs: [1_000, 60_000], deafens: true, begin: slowServer },
  'a node is cut off': { share: 2, lastsMs: [2_000, 120_000], begin: cutNodeOff },
};

function slowStreams({ world }: Site, random: Random): Begun {
  const routes = someRoutes(world, random);
  const mostMs = randomInteger(random, ...DELAY_MS);
  for (const { route } of routes) route.extraMs = () => randomInteger(random, 0, mostMs);
  return {
    text: `${named(routes)}: messages take up to ${mostMs} ms longer`,
    end: () => {
      for (const { route } of routes) route.extraMs = () => 0;
    },
  };
}

function cutStreams({ world }: Site, random: Random): Begun {
  const routes = someRoutes(world, random);
  for (const { route } of routes) route.cut();
  return { text: `${named(routes)}: cut` };
}

/** One direction, or both: a half-open connection is told to nobody. */
function silentStream({ world }: Site, random: Random): Begun {
  const routes = someRoutes(world, random);
  const directions = pick(random, [['up'], ['down'], ['up', 'down']] as const);
  for (const { route } of routes) for (const direction of directions) route.hold(direction);
  return {
    text: `${named(routes)}: nothing passes ${directions.join(' or ')}`,
    end: () => {
      for (const { route } of routes) route.release();
    },
  };
}

/** Of what begins on its node nobody tells: the coordinators hear the agent, and leave the node to it. */
function blindAgent({ world }: Site, random: Random): Begun | undefined {
  const living = agents(world);
  if (living.length === 0) return undefined;
  const agent = pick(random, living);
  const harms: Begun['harms'] = ({ nodeName }) => agent.name === `agent-${nodeName}`;
  return { ...loseServer(random, agent, 'kube'), harms, blinds: true };
}

function maroonCoordinator(site: Site, random: Random, way: 'kube' | 'clb'): Begun | undefined {
  const living = coordinators(site.world);
  return living.length > 0 ? loseServer(random, pick(random, living), way) : undefined;
}

function loseServer(random: Random, process: Process, way: 'kube' | 'clb'): Begun {
  const reach = pick(random, ['refused', 'silent'] as const);
  const end = closed([process[way]], reach);
  return { text: `${process.name}: ${way === 'kube' ? 'the API server' : 'CLB'} is ${reach}`, end };
}

function loseApiServer({ world }: Site, random: Random): Begun {
  const reach = pick(random, ['refused', 'silent'] as const);
  const links = [...coordinators(world), ...agents(world)].map(({ kube }) => kube);
  return { text: `the API server is ${reach} to coordinators and agents`, end: closed(links, reach) };
}

function loseCloud({ world }: Site, random: Random): Begun {
  const reach = pick(random, ['refused', 'silent'] as const);
  const links = coordinators(world).map(({ clb }) => clb);
  return { text: `CLB is ${reach} to coordinators`, end: closed(links, reach) };
}

function slowServer({ world }: Site, random: Random): Begun | undefined {
  const processes = [...coordinators(world), ...agents(world)];
  if (processes.length === 0) return undefined;
  const process = pick(random, processes);
  const way = pick(random, ['kube', 'kube', 'clb'] as const);
  const mostMs = randomInteger(random, ...DELAY_MS);
  process[way].delay(() => randomInteger(random, 0, mostMs));
  const text = `${process.name}: its way to ${way} takes up to ${mostMs} ms longer`;
  return { text, end: () => process[way].delay(undefined) };
}

/** Its Pods go on serving: only those who manage them are away. */
function cutNodeOff({ world }: Site, random: Random): Begun | undefined {
  const nodes = [...world.nodes.values()].filter(({ isDark }) => !isDark);
  if (nodes.length === 0) return undefined;
  const node = pick(random, nodes);
  const own = [...agents(world).filter(({ name }) => name === `agent-${node.name}`), node.kubelet];
  const reopen = closed(
    own.flatMap(process => (process ? [process.kube] : [])),
    'silent',
  );
  const routes = coordinators(world).map(({ name }) => world.network.route(node.name, name));
  for (const route of routes) for (const direction of ['up', 'down'] as const) route.hold(direction);
  return {
    text: `${node.name} reaches neither the API server nor a coordinator`,
    end: () => {
      reopen();
      for (const route of routes) route.release();
    },
  };
}

/** @returns what opens them again */
function closed(links: readonly Link[], reach: 'refused' | 'silent'): () => void {
  for (const link of links) link.set(reach);
  return () => {
    for (const link of links) link.set('open');
  };
}

interface NamedRoute {
  readonly name: string;
  readonly route: Route;
}

/** One, all of a coordinator, all of a node, or all that there are. */
function someRoutes(world: World, random: Random): readonly NamedRoute[] {
  const all = [...world.nodes.keys()].flatMap(nodeName =>
    coordinators(world).map(({ name }) => ({
      nodeName,
      coordinator: name,
      name: `${nodeName} and ${name}`,
      route: world.network.route(nodeName, name),
    })),
  );
  if (all.length === 0) return [];
  const chosen = pick(random, all);
  const choices = [
    [chosen],
    all.filter(({ coordinator }) => coordinator === chosen.coordinator),
    all.filter(({ nodeName }) => nodeName === chosen.nodeName),
    all,
  ];
  return pick(random, choices);
}

function named(routes: readonly NamedRoute[]): string {
  return `the ways between ${routes.map(({ name }) => name).join(', ')}`;
}
