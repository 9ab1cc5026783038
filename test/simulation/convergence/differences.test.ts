import { beforeEach, describe, expect, test } from 'vitest';
import type { Pod, Service } from '../../../common/kube/objects.ts';
import { CUSTOM_WEIGHT_ANNOTATION } from '../../../common/names.ts';
import { Account } from '../load-balancers/account.ts';
import { World } from '../world.ts';
import { differencesNow } from './differences.ts';
import { History } from './history.ts';
import { listenerNameOf, pod, service, tagOf } from './objects.fixture.ts';
import { Strangers } from './strangers.ts';

const SHARED = ['lb-shared-1', 'lb-shared-2'];
const FIRST = pod('web-a', '10.0.0.1');
const SECOND = pod('web-b', '10.0.0.2', { annotations: { [CUSTOM_WEIGHT_ANNOTATION]: '3' } });

/** An account in which everything is as it should: one Service on a shared load balancer, with two Pods. */
class Town {
  readonly world = new World({ seed: 1 });
  readonly account = new Account(this.world.clb);
  readonly strangers = new Strangers({ world: this.world, random: this.world.random(), shared: SHARED });
  readonly services = new History<Service>();
  readonly pods = new History<Pod>();
  readonly web: Service;
  readonly listenerId: string;

  constructor() {
    this.strangers.settle();
    const [ip] = this.account.loadBalancers().find(({ id }) => id === SHARED[0])?.vips ?? [];
    const web = service('web', { ...(ip !== undefined && { ip }) });
    this.web = web;
    this.put(web);
    for (const each of [FIRST, SECOND]) this.pods.add(each.metadata.uid ?? '', { from: 0, object: each });
    this.listenerId = this.do('CreateListener', { Ports: [80], Protocol: 'TCP', ListenerNames: [listenerNameOf(web)] });
    this.bind('10.0.0.1', { weight: 10, tag: tagOf(FIRST) });
    this.bind('10.0.0.2', { weight: 3, tag: tagOf(SECOND) });
  }

  put(object: Service): void {
    this.services.add(object.metadata.uid ?? '', { from: 0, object });
  }

  /** @returns the id of the first listener that it made */
  do(action: string, parameters: object): string {
    const { clb } = this.world;
    const answer = clb.elsewhere.writeAtOnce(action, { LoadBalancerId: SHARED[0], ...parameters });
    return (answer as { ListenerIds?: string[] }).ListenerIds?.[0] ?? '';
  }

  bind(address: string, { weight, tag }: { weight: number; tag: string }): void {
    this.unbind(address);
    const target = { ListenerId: this.listenerId, EniIp: address, Port: 80, Weight: weight, Tag: tag };
    this.do('BatchRegisterTargets', { Targets: [target] });
  }

  unbind(address: string): void {
    this.do('BatchDeregisterTargets', { Targets: [{ ListenerId: this.listenerId, EniIp: address, Port: 80 }] });
  }

  look(): readonly string[] {
    const { account, strangers, services, pods } = this;
    return differencesNow({ account, strangers, chronicle: { services, pods }, now: 1_000, shared: SHARED });
  }
}

describe('the comparison of the cloud with what users ask for', () => {
  let town: Town;
  beforeEach(() => {
    town = new Town();
  });

  test('finds nothing where nothing is wrong', () => {
    expect(town.look()).toEqual([]);
  });

  test('sees a target that is missing, one too many, one with another weight and one with the mark of another Pod', () => {
    town.unbind('10.0.0.1');
    expect(town.look()).toEqual([expect.stringMatching(/10\.0\.0\.1:80 of web-a is missing/)]);
    town.bind('10.0.0.1', { weight: 10, tag: tagOf(SECOND) });
    expect(town.look()).toEqual([expect.stringMatching(/10\.0\.0\.1:80 is of web-a and marked/)]);
    town.bind('10.0.0.1', { weight: 7, tag: tagOf(FIRST) });
    expect(town.look()).toEqual([expect.stringMatching(/weighs 7, not 10/)]);
    town.bind('10.0.0.1', { weight: 10, tag: tagOf(FIRST) });
    town.bind('10.0.0.9', { weight: 10, tag: tagOf(FIRST) });
    expect(town.look()).toEqual([expect.stringMatching(/nobody wants 10\.0\.0\.9:80/)]);
  });

  test('sees a listener that nobody wants, one that is missing, and a load balancer that was made for nobody', () => {
    town.do('CreateListener', { Ports: [81], Protocol: 'TCP', ListenerNames: ['clb-direct-c1-web-uid0'] });
    expect(town.look()).toEqual([expect.stringMatching(/nobody wants listener/)]);
    town.do('DeleteLoadBalancerListeners', { ListenerIds: [town.listenerId] });
    expect(town.look()).toContainEqual(expect.stringMatching(/TCP:80: no listener of a Service that wants it/));
    town.world.clb.seed({ id: 'lb-made' });
    expect(town.look()).toContainEqual('lb-made was made for 0 Services or Ingresses');
  });

  test('sees a Service without address, one that is not gone yet, and a gate that is shut', () => {
    town.put(service('web'));
    expect(town.look()).toContainEqual(expect.stringMatching(/Service web tells no address/));
    town.put({ ...town.web, metadata: { ...town.web.metadata, deletionTimestamp: '2026-01-01T00:00:01Z' } });
    expect(town.look()).toContainEqual('Service web is still being deleted');
    town.pods.add('web-a-uid', { from: 0, object: pod('web-a', '10.0.0.1', { gate: false }) });
    expect(town.look()).toContainEqual('Pod web-a is ready and its gate is shut');
  });

  test('lets the last open target of a living Pod stay when nothing is wanted open, and no other', () => {
    town.put({ ...town.web, spec: { ...town.web.spec, selector: { app: 'nobody' } } });
    const surplus = () => town.look().filter(text => text.includes('nobody wants'));
    expect(surplus()).toHaveLength(1);
    town.unbind('10.0.0.2');
    expect(surplus()).toEqual([]);
    town.pods.add('web-a-uid', { from: 0, object: undefined });
    expect(surplus()).toHaveLength(1);
  });

  test("sees every change of what is others'", () => {
    const [theirs] = town.account.listenersOf('lb-theirs');
    if (!theirs) throw new Error('they have listeners');
    const [target] = town.account.targetsOn('lb-theirs', theirs.port);
    const Targets = [{ ListenerId: theirs.id, EniIp: target?.address, Port: target?.port }];
    town.do('BatchDeregisterTargets', { LoadBalancerId: 'lb-theirs', Targets });
    expect(town.look()).toEqual([`listener ${theirs.id} of others has changed`]);
    town.world.clb.elsewhere.edit('lb-shared-2', { name: 'ours now' });
    expect(town.look()).toContainEqual('a load balancer of others has changed');
  });
});
