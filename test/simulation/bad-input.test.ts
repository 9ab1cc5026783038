import { describe, expect, test } from 'vitest';
import {
  CUSTOM_WEIGHT_ANNOTATION,
  DIRECT_ACCESS_ANNOTATION,
  DRAIN_SECONDS_ANNOTATION,
  EXISTING_LOAD_BALANCER_ANNOTATION,
  READINESS_GATE,
} from '../../common/names.ts';
import { DEPLOYMENTS, MERGE_PATCH, restartPatch, SERVICES, service } from './manifests.ts';
import { Neighbourhood, SHARED, UNHARMED } from './neighbourhood.ts';
import { untilServing } from './traffic.ts';

const MINUTE_MS = 60_000;
/** Of 5 minutes, both lanes' reads and looks at load balancers together: nobody hammers a cloud that does not want us. */
const CALLS_IN_FIVE_MINUTES_MAX = 400;

describe('bad input harms nobody else and is told where the user looks', () => {
  test('a new Service with an unknown direct-access value gets an Event and nothing else', async () => {
    const town = await Neighbourhood.make(1);
    const at = town.world.clock.wallNow();
    await town.addBad({ [DIRECT_ACCESS_ANNOTATION]: 'yes' });
    await town.world.clock.advance(MINUTE_MS);
    const events = await town.eventsOf('bad');
    expect(events.map(({ type, reason }) => [type, reason])).toEqual([['Warning', 'InvalidAnnotation']]);
    expect(events[0]?.message).toMatch(/^CD1001.*default\/bad.*direct-access is "yes"/);
    expect(town.callsSince(at, 'CreateListener')).toBe(0);
    await town.annotate('bad', { [DIRECT_ACCESS_ANNOTATION]: 'true' });
    await town.world.clock.advance(MINUTE_MS);
    expect(await town.openOn(81)).toBe(2);
    expect(await town.end()).toEqual(UNHARMED);
  });

  test('a bound Service whose direct-access value becomes unknown gets an Event and keeps serving', async () => {
    const town = await Neighbourhood.make(2);
    await town.annotate('good', { [DIRECT_ACCESS_ANNOTATION]: 'yes' });
    await town.roll();
    expect((await town.eventsOf('good'))[0]?.message).toMatch(/^CD1001.*default\/good.*"yes"/);
    expect(await town.openOn(80)).toBe(2);
    expect(await town.end()).toEqual(UNHARMED);
  });

  test('a targetPort that no container names is told on the Service and on the Pod, and heals', async () => {
    const town = await Neighbourhood.make(3);
    await town.addBad({}, [{ port: 81, targetPort: 'web' }]);
    await town.world.clock.advance(MINUTE_MS);
    const [event] = await town.eventsOf('bad');
    expect(event?.message).toMatch(/^CD1002.*default\/bad.*"web"/);
    await town.world.request('PATCH', `${DEPLOYMENTS}/bad`, restartPatch(1), MERGE_PATCH);
    await town.world.clock.advance(MINUTE_MS);
    const gates = (await town.world.pods()).map(pod =>
      pod.status?.conditions?.find(({ type }) => type === READINESS_GATE),
    );
    expect(gates.map(gate => gate?.message)).toContainEqual(
      expect.stringMatching(/default\/bad TCP:81: no container has a port named "web"/),
    );
    await town.roll('good');
    const ports = [{ name: 'tcp-81', port: 81, protocol: 'TCP', targetPort: 80 }];
    await town.world.request('PATCH', `${SERVICES}/bad`, { spec: { ports } }, MERGE_PATCH);
    await town.world.clock.advance(MINUTE_MS);
    expect(await town.openOn(81)).toBe(2);
    expect(await town.end()).toEqual(UNHARMED);
  });

  test('a load balancer id that does not exist is told, looked for ever more rarely, and found once it is there', async () => {
    const town = await Neighbourhood.make(4);
    const at = town.world.clock.wallNow();
    await town.addBad({ [EXISTING_LOAD_BALANCER_ANNOTATION]: 'lb-later' });
    await town.world.clock.advance(5 * MINUTE_MS);
    const events = await town.eventsOf('bad');
    expect(events.map(({ reason }) => reason)).toEqual(['LoadBalancerNotFound']);
    expect(events[0]?.message).toMatch(/^CD1004.*default\/bad.*lb-later/);
    expect(town.callsSince(at, 'DescribeLoadBalancers')).toBeLessThan(30);
    expect(town.callsSince(at, 'CreateLoadBalancer')).toBe(0);
    town.world.clb.seed({ id: 'lb-later' });
    await town.world.clock.advance(MINUTE_MS);
    expect(await town.openOn(81, 'lb-later')).toBe(2);
    expect(await town.end()).toEqual(UNHARMED);
  });

  test('an SCTP port is told, and the other ports of the Service are served', async () => {
    const town = await Neighbourhood.make(5);
    await town.addBad({}, [{ port: 82, protocol: 'SCTP' }, { port: 81 }]);
    await town.world.clock.advance(MINUTE_MS);
    const events = await town.eventsOf('bad');
    expect(events.map(({ reason }) => reason)).toEqual(['UnsupportedProtocol']);
    expect(events[0]?.message).toMatch(/^CD1003.*default\/bad.*82.*SCTP/);
    expect(await town.openOn(81)).toBe(2);
    expect(await town.end()).toEqual(UNHARMED);
  });

  test("somebody else's listener on the port is told and left alone, and the port is taken once it is free", async () => {
    const town = await Neighbourhood.make(6);
    const foreign = { LoadBalancerId: SHARED, Ports: [81], Protocol: 'TCP', ListenerNames: ['theirs'] };
    const { ListenerIds } = (await town.ask('CreateListener', foreign)) as { ListenerIds: string[] };
    await town.world.clock.advance(10_000);
    const at = town.world.clock.wallNow();
    await town.addBad({}, [{ port: 81 }, { port: 83 }]);
    await town.world.clock.advance(5 * MINUTE_MS);
    const events = await town.eventsOf('bad');
    const occupied = events.find(({ reason }) => reason === 'ListenerOccupied');
    expect(occupied?.message).toMatch(/^CD1005.*TCP:81 of Service default\/bad.*"theirs"/);
    // One try that was refused, before the foreign listener was seen, and one for the other port.
    expect(town.callsSince(at, 'CreateListener')).toBeLessThan(3);
    expect([await town.openOn(81), await town.openOn(83)]).toEqual([0, 2]);
    const gone = { LoadBalancerId: SHARED, ListenerIds };
    await town.ask('DeleteLoadBalancerListeners', gone);
    await town.world.clock.advance(3 * MINUTE_MS);
    expect(await town.openOn(81)).toBe(2);
    expect(await town.end()).toEqual(UNHARMED);
  });

  test('a malformed weight and drain budget are warned of at admission, and the Pods serve with the defaults', async () => {
    const town = await Neighbourhood.make(7);
    const annotations = { [CUSTOM_WEIGHT_ANNOTATION]: 'abc', [DRAIN_SECONDS_ANNOTATION]: 'x' };
    const body = { spec: { template: { metadata: { annotations } } } };
    await town.world.request('PATCH', `${DEPLOYMENTS}/good`, body, MERGE_PATCH);
    await town.world.clock.advance(2 * MINUTE_MS);
    await untilServing(town.world, 'good', 2);
    const warnings = [...new Set(town.world.warnings)].toSorted();
    expect(warnings).toEqual([
      expect.stringMatching(/^clb-direct.io\/drain-seconds: "x" is not a whole number/),
      expect.stringMatching(/^service.cloud.tencent.com\/custom-weight: "abc" is not a whole number from 0 to 100/),
    ]);
    expect(await town.openOn(80)).toBe(2);
    expect(await town.end()).toEqual(UNHARMED);
  });

  test('a Pod object that makes no sense is reported, harms nobody and is never bound', async () => {
    const town = await Neighbourhood.make(8);
    await town.addBad();
    const spec = { containers: [{ name: 'main', image: 'nginx', ports: [{ containerPort: 80, protocol: 'SCTP' }] }] };
    const annotations = {
      'tke.cloud.tencent.com/networks': 'nonsense,,',
      'tke.cloud.tencent.com/networks-status': '{',
    };
    const metadata = { name: 'odd', labels: { app: 'bad' }, annotations };
    await town.world.create('/api/v1/namespaces/default/pods', { metadata, spec });
    await town.world.clock.advance(MINUTE_MS);
    expect(await town.openOn(81)).toBe(2);
    expect(await town.end()).toEqual(UNHARMED);
  });
});

describe('a cloud that does not answer', () => {
  test('wrong credentials are told on each Service, tried with back-off, and heal', async () => {
    const town = await Neighbourhood.make(9);
    const at = town.world.clock.wallNow();
    town.world.clb.faults.add({ action: '*', kind: 'error', code: 'AuthFailure.SecretIdNotFound' });
    await town.world.create(SERVICES, service('bad'));
    await town.world.clock.advance(5 * MINUTE_MS);
    expect(town.callsSince(at)).toBeLessThan(CALLS_IN_FIVE_MINUTES_MAX);
    for (const name of ['bad', 'good']) {
      const events = await town.eventsOf(name);
      expect(events.length).toBeGreaterThan(0);
      expect(events.length).toBeLessThan(4);
      for (const { message } of events) expect(message).toMatch(/^CD2028.*(default\/bad|lb-shared)/);
    }
    town.world.clb.faults.clear();
    await town.world.clock.advance(2 * MINUTE_MS);
    await untilServing(town.world, 'bad', 2);
    expect(await town.end()).toEqual(UNHARMED);
  });

  test('an endpoint that cannot be reached is told, tried with back-off, and loses nothing while it is away', async () => {
    const town = await Neighbourhood.make(10);
    const links = town.world.coordinators.map(({ clb }) => clb);
    for (const link of links) link.set('refused');
    const triesBefore = links.reduce((sum, { tries }) => sum + tries, 0);
    await town.world.create(SERVICES, service('bad'));
    await town.world.clock.advance(5 * MINUTE_MS);
    const tries = links.reduce((sum, link) => sum + link.tries, 0) - triesBefore;
    expect(tries).toBeLessThan(CALLS_IN_FIVE_MINUTES_MAX);
    const events = await town.eventsOf('bad');
    expect(events.map(({ reason }) => reason)).toEqual(['LoadBalancerFailed']);
    expect(events[0]?.message).toMatch(/^CD2040.*default\/bad.*not reachable/);
    for (const link of links) link.set('open');
    await town.world.clock.advance(2 * MINUTE_MS);
    await untilServing(town.world, 'bad', 2);
    expect(await town.end()).toEqual(UNHARMED);
  });
});
