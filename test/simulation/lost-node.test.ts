import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, SERVICES, service } from './manifests.ts';
import { readyPods, startTraffic, type Traffic, untilServing } from './traffic.ts';
import { World } from './world.ts';

const NAME = 'web';
const NODES = 5;
const NODE = 'node-2';
/** Of power, until its targets are at weight 0: streams are silent, neighbours have tried in vain for a second, CLB has written. */
const LOST_WITHIN_MS = 10_000;

describe('a node whose Pods serve', () => {
  let world: World;
  let traffic: Traffic;
  /** The addresses of the Pods that serve, by their node. */
  let addresses: ReadonlyMap<string, string>;

  beforeEach(async () => {
    world = new World({ seed: 11, nodes: NODES });
    await world.start();
    await world.create(DEPLOYMENTS, deployment(NAME, { replicas: NODES, hooked: true }));
    await world.create(SERVICES, service(NAME));
    await untilServing(world, NAME, NODES);
    const pods = await readyPods(world, NAME);
    addresses = new Map(pods.map(({ spec, status }) => [spec.nodeName ?? '', status?.podIP ?? '']));
    expect([...addresses.keys()].sort()).toEqual([...world.nodes.keys()]);
    traffic = await startTraffic(world, NAME);
  });
  afterEach(() => world.close());

  /** The nodes whose Pods CLB sends to, as it was told last. */
  function openNodes(): string[] {
    const weights = new Map<string, number>();
    for (const record of world.journal) {
      if (record.kind !== 'change') continue;
      for (const change of record.changes) if ('address' in change) weights.set(change.address, change.weight);
    }
    return [...addresses].flatMap(([node, address]) => ((weights.get(address) ?? 0) > 0 ? [node] : [])).sort();
  }

  const allBut = (node: string) => [...world.nodes.keys()].filter(name => name !== node);

  /** The changes that CLB has made since then. */
  const changesSince = (from: number) => world.journal.slice(from).filter(({ kind }) => kind === 'change');

  async function eventsOfNodes(): Promise<string[]> {
    const events = (await world.events()).filter(({ involvedObject }) => involvedObject.kind === 'Node');
    return events.map(({ type, message }) => `${type} ${message.slice(0, 44)}`);
  }

  async function end(): Promise<object> {
    await traffic.stop();
    const lost = [...new Set(traffic.tally.losses.map(({ target }) => target))];
    return { lostOn: lost, breaches: breaches(world) };
  }

  test('is left by CLB within seconds when it loses its power, and comes back with it', async () => {
    world.nodes.get(NODE)?.die();
    await world.clock.advance(LOST_WITHIN_MS);
    expect(openNodes()).toEqual(allBut(NODE));
    expect(await eventsOfNodes()).toEqual(['Warning CD3005: Node node-2: its agent is silent and']);
    const lostBefore = traffic.tally.losses.length;
    await world.clock.advance(20_000);
    expect(traffic.tally.losses.length).toBe(lostBefore);
    world.nodes.get(NODE)?.boot();
    world.startAgent(NODE);
    await world.clock.advance(60_000);
    expect(await eventsOfNodes()).toContain('Warning CD3005: Node node-2: it is reached again. Th');
    expect(await end()).toEqual({ lostOn: [addresses.get(NODE)], breaches: [] });
  });

  test('goes on serving when only its agent dies', async () => {
    const from = world.journal.length;
    world.agents.get(NODE)?.sever();
    await world.clock.advance(60_000);
    expect(changesSince(from)).toEqual([]);
    expect(await end()).toEqual({ lostOn: [], breaches: [] });
  });

  test('goes on serving when the leader alone does not hear from it', async () => {
    const from = world.journal.length;
    const leader = world.coordinators.find(({ coordinator }) => coordinator.isLeading);
    world.network.route(NODE, leader?.name ?? '').hold('up');
    await world.clock.advance(60_000);
    expect(changesSince(from)).toEqual([]);
    expect(await end()).toEqual({ lostOn: [], breaches: [] });
  });

  test('goes on serving with all others when no agent reaches the coordinators any more', async () => {
    const from = world.journal.length;
    const routes = [...world.nodes.keys()].flatMap(node => world.network.routesOf(node));
    for (const route of routes) for (const direction of ['up', 'down'] as const) route.hold(direction);
    await world.clock.advance(90_000);
    expect(changesSince(from)).toEqual([]);
    for (const route of routes) route.release();
    await world.clock.advance(30_000);
    expect(changesSince(from)).toEqual([]);
    expect(await end()).toEqual({ lostOn: [], breaches: [] });
  });

  test.each(['killed', 'stopped'] as const)('stays left when the leader that found it lost is %s', async way => {
    world.nodes.get(NODE)?.die();
    await world.clock.advance(LOST_WITHIN_MS);
    const from = world.journal.length;
    const leader = world.leader();
    if (way === 'killed') leader?.sever();
    else leader?.stop.abort();
    await world.clock.advance(40_000);
    expect(world.leader()).not.toBe(leader);
    expect(changesSince(from)).toEqual([]);
    expect(await end()).toEqual({ lostOn: [addresses.get(NODE)], breaches: [] });
  });

  test('is found lost by the next leader when the one that had begun to ask is killed', async () => {
    world.nodes.get(NODE)?.die();
    await world.clock.advance(2_000);
    world.leader()?.sever();
    await world.clock.advance(25_000);
    expect(openNodes()).toEqual(allBut(NODE));
    expect(await end()).toEqual({ lostOn: [addresses.get(NODE)], breaches: [] });
  });
});
