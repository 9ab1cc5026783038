import { describe, expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import type { Listener } from '../cloud/types.ts';
import { listenerName, planListeners } from './listener-plan.ts';
import type { RuleIntent, ServiceIntent } from './service-intent.ts';

const CLUSTER = 'c1';

function rule(name: string, port: number, protocol: Protocol): RuleIntent {
  const service = { namespace: 'default', name, uid: `${name}-service-uid` };
  const id = `${service.uid}/${protocol === Protocol.UDP ? 'UDP' : 'TCP'}/${port}`;
  return { id, service, protocol, port, selector: {}, targetPort: port, publishNotReadyAddresses: false };
}

/** Service `default/<name>` with TCP ports, or `udp:<port>`. */
function intent(name: string, ports: readonly (number | `udp:${number}`)[], leaving = false): ServiceIntent {
  const rules = ports.map(port =>
    typeof port === 'number' ? rule(name, port, Protocol.TCP) : rule(name, Number(port.slice(4)), Protocol.UDP),
  );
  const service = { namespace: 'default', name, uid: `${name}-service-uid` };
  return { service, leaving, loadBalancer: { kind: 'existing', id: 'lb-1' }, rules, problems: [] };
}

function listener(port: number, owner: string | undefined, protocol: Listener['protocol'] = 'TCP'): Listener {
  const name = owner === undefined ? 'made by hand' : listenerName(CLUSTER, `${owner}-service-uid`);
  return { id: `lbl-${port}-${protocol}`, name, protocol, port, healthCheck: true, forwardingRules: [] };
}

function plan(intents: readonly ServiceIntent[], listeners: readonly Listener[] = []) {
  return planListeners({ intents, listeners, cluster: CLUSTER, healthCheck: undefined });
}

/** `create TCP 80,81 for web` */
function work(intents: readonly ServiceIntent[], listeners: readonly Listener[] = []): string[] {
  return plan(intents, listeners).work.map(item => {
    switch (item.kind) {
      case 'create':
        return `create ${item.request.protocol} ${item.request.ports.join(',')} for ${item.request.name}`;
      case 'delete':
        return `delete ${item.listenerIds.join(',')}`;
      case 'create-rules':
        return `create rules ${item.ruleIds.join(',')} on ${item.listenerId}`;
      case 'delete-rules':
        return `delete rules ${item.locationIds.join(',')} of ${item.listenerId}`;
    }
  });
}

describe('listeners', () => {
  test('that are missing are made in one call for each Service and protocol', () => {
    expect(work([intent('web', [80, 81, 'udp:53'])])).toEqual([
      'create TCP 80,81 for clb-direct-c1-web-serv',
      'create UDP 53 for clb-direct-c1-web-serv',
    ]);
  });

  test('are made in calls of at most 49 ports', () => {
    const ports = Array.from({ length: 60 }, (_, index) => 1_000 + index);
    const [first] = plan([intent('web', ports)]).work;
    expect(first?.kind === 'create' && first.request.ports.length).toBe(49);
  });

  test('that are there stand for their rules and cost nothing', () => {
    const { work: todo, listenerIds } = plan([intent('web', [80])], [listener(80, 'web')]);
    expect(todo).toEqual([]);
    expect(listenerIds.get('web-service-uid/TCP/80')).toBe('lbl-80-TCP');
  });

  test('of a port go when the Service no longer has it, or is being deleted (L1)', () => {
    expect(work([intent('web', [80])], [listener(80, 'web'), listener(81, 'web')])).toEqual(['delete lbl-81-TCP']);
    const leaving = plan([intent('web', [80], true)], [listener(80, 'web')]);
    expect(leaving.work).toEqual([{ kind: 'delete', listenerIds: ['lbl-80-TCP'], ruleIds: [] }]);
    expect(leaving.remaining.get('web-service-uid')).toBe(1);
    expect(leaving.listenerIds.size).toBe(0);
  });

  test('of a Service that nobody speaks of stay (L1)', () => {
    expect(work([], [listener(80, 'web')])).toEqual([]);
  });

  test('of others stay, whatever port they have (L6)', () => {
    const { work: todo, refused } = plan([intent('web', [80])], [listener(80, undefined)]);
    expect(todo).toEqual([]);
    expect(refused.get('web-service-uid/TCP/80')).toMatchObject({ code: 'CD1005', reason: 'ListenerOccupied' });
  });

  test('of another protocol family do not stand in the way, of the same one do', () => {
    expect(work([intent('web', ['udp:80'])], [listener(80, undefined)])).toHaveLength(1);
    expect(plan([intent('web', [80])], [listener(80, undefined, 'HTTP')]).refused.size).toBe(1);
  });

  test('one port of which is refused do not keep the other ports from being made (L10)', () => {
    expect(work([intent('web', [80, 81])], [listener(80, undefined)])).toEqual([
      'create TCP 81 for clb-direct-c1-web-serv',
    ]);
  });
});

describe('two Services that want the same port of one load balancer', () => {
  const both = [intent('web', [80, 443]), intent('api', [80])];

  test.each([
    ['in one order', both],
    ['in the other', both.toReversed()],
  ])('get it by namespace and name while it is free, %s', (_, intents) => {
    expect(work(intents).toSorted()).toEqual([
      'create TCP 443 for clb-direct-c1-web-serv',
      'create TCP 80 for clb-direct-c1-api-serv',
    ]);
    const { refused } = plan(intents);
    expect([...refused.keys()]).toEqual(['web-service-uid/TCP/80']);
    expect(refused.get('web-service-uid/TCP/80')).toMatchObject({ code: 'CD1006', reason: 'PortTaken' });
    expect(refused.get('web-service-uid/TCP/80')?.message).toContain('Service default/api has it');
  });

  test('do not take it from each other: who has it keeps it', () => {
    const { refused, listenerIds, work: todo } = plan(both, [listener(80, 'web'), listener(443, 'web')]);
    expect(listenerIds.get('web-service-uid/TCP/80')).toBe('lbl-80-TCP');
    expect(refused.get('api-service-uid/TCP/80')?.code).toBe('CD1006');
    expect(todo).toEqual([]);
  });

  test('hand it over when the one that has it is deleted', () => {
    const leaving = [intent('web', [80], true), intent('api', [80])];
    expect(work(leaving, [listener(80, 'web')])).toEqual(['delete lbl-80-TCP']);
    expect(work(leaving)).toEqual(['create TCP 80 for clb-direct-c1-api-serv']);
  });
});
