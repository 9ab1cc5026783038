import { describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE, instanceNames } from '../../common/instance-names.ts';
import {
  ADOPT_LISTENER_ANNOTATION,
  DIRECT_ACCESS_ANNOTATION,
  EXISTING_LOAD_BALANCER_ANNOTATION,
  INTERNAL_SUBNET_ANNOTATION,
  LOAD_BALANCER_CLASS,
  MODE_ANNOTATION,
} from '../../common/names.ts';
import { Protocol } from '../../common/pod-record.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import { serviceRecord } from '../service.fixture.ts';
import { claimOf } from './service-claim.ts';
import type { ServiceIntent } from './service-intent.ts';

const DIRECT = { [DIRECT_ACCESS_ANNOTATION]: 'true' };

function service(fields: Partial<ServiceRecord>): ServiceRecord {
  const ports: ServiceRecord['ports'] = [{ port: 80, targetPort: 8080, protocol: 'TCP' }];
  return serviceRecord({ uid: 'uid-1', annotations: DIRECT, finalized: false, ports, ...fields });
}

function claim(fields: Partial<ServiceRecord>, tkeController = false) {
  return claimOf(service(fields), { names: DEFAULT_INSTANCE, tkeController });
}

/** What the claimed Service asks for. */
function intent(fields: Partial<ServiceRecord>, tkeController = false): ServiceIntent {
  const result = claim(fields, tkeController);
  if (result.kind !== 'claimed') throw new Error(`the Service is ${result.kind}`);
  return result.intent;
}

function codes(fields: Partial<ServiceRecord>, tkeController = false): string[] {
  const result = claim(fields, tkeController);
  if (result.kind === 'unclaimed') return [];
  return (result.kind === 'claimed' ? result.intent.problems : result.problems).map(problem => problem.code);
}

describe('a Service is claimed', () => {
  test.each<[string, Partial<ServiceRecord>]>([
    ['by the annotation', {}],
    ['by our class', { annotations: {}, loadBalancerClass: LOAD_BALANCER_CLASS }],
  ])('%s', (_, fields) => {
    expect(intent(fields)).toMatchObject({ leaving: false, problems: [] });
  });

  test.each<[string, Partial<ServiceRecord>]>([
    ['says nothing', { annotations: {} }],
    ['says "false"', { annotations: { [DIRECT_ACCESS_ANNOTATION]: 'false' } }],
    ['is no load balancer', { type: 'ClusterIP' }],
    ['is of another class', { loadBalancerClass: 'example.com/lb' }],
    ['is being deleted and has nothing of ours', { deleting: true }],
  ])('not when it %s', (_, fields) => {
    expect(claim(fields)).toEqual({ kind: 'unclaimed' });
  });

  test.each<[string, Partial<ServiceRecord>, string]>([
    ['its own class', { loadBalancerClass: 'clb-direct.io/clb-inner' }, 'claimed'],
    ['no class', {}, 'unclaimed'],
    ['the default instance’s class', { loadBalancerClass: LOAD_BALANCER_CLASS }, 'unclaimed'],
  ])('by an instance with a name when it has %s', (_, fields, kind) => {
    const names = instanceNames({ name: 'inner', hookPort: 19_450 });
    expect(claimOf(service(fields), { names, tkeController: false }).kind).toBe(kind);
    expect(claim(fields).kind).toBe(kind === 'claimed' ? 'unclaimed' : 'claimed');
  });

  test('not beside TKE’s own controller, unless it is handed over or of our class', () => {
    expect(claim({}, true)).toMatchObject({ kind: 'refused', problems: [{ code: 'CD3001', reason: 'ClaimedByTke' }] });
    expect(claim({ annotations: { ...DIRECT, [MODE_ANNOTATION]: 'skip' } }, true).kind).toBe('claimed');
    expect(claim({ annotations: {}, loadBalancerClass: LOAD_BALANCER_CLASS }, true).kind).toBe('claimed');
  });

  test('not when the annotation’s value is unknown: it is told, and no default is taken (L11)', () => {
    const result = claim({ annotations: { [DIRECT_ACCESS_ANNOTATION]: 'yes' } });
    expect(result).toMatchObject({ kind: 'refused', problems: [{ code: 'CD1001', reason: 'InvalidAnnotation' }] });
  });

  test('not when the word about adoption is unknown, unless it is served already', () => {
    const slip = { annotations: { ...DIRECT, [ADOPT_LISTENER_ANNOTATION]: 'yes' } };
    expect(claim(slip)).toMatchObject({ kind: 'refused', problems: [{ code: 'CD1001' }] });
    expect(codes(slip)[0]).toBe('CD1001');
    expect(intent({ ...slip, finalized: true })).toMatchObject({ adopts: false, problems: [{ code: 'CD1001' }] });
  });

  test('still, when it was served before and a slip in an annotation would strand its Pods', () => {
    const slip = { annotations: { [DIRECT_ACCESS_ANNOTATION]: 'yes' }, finalized: true };
    expect(intent(slip)).toMatchObject({ leaving: false, rules: { length: 1 } });
    expect(codes(slip)).toEqual(['CD1001']);
    expect(codes({ finalized: true }, true)).toEqual(['CD3001']);
  });
});

describe('a Service that was served leaves', () => {
  test.each<[string, Partial<ServiceRecord>]>([
    ['when it is deleted', { deleting: true }],
    ['when its annotation goes', { annotations: {} }],
    ['when it is no load balancer any more', { type: 'ClusterIP' }],
  ])('%s', (_, fields) => {
    expect(intent({ ...fields, finalized: true })).toMatchObject({ leaving: true, problems: [] });
  });
});

describe('a claimed Service asks for', () => {
  test('one rule for each port, with ids that stay', () => {
    const ports: ServiceRecord['ports'] = [
      { port: 80, targetPort: 'http', protocol: 'TCP' },
      { port: 53, protocol: 'UDP' },
    ];
    expect(intent({ ports }).rules).toMatchObject([
      { id: 'uid-1/TCP/80', protocol: Protocol.TCP, targetPort: 'http' },
      { id: 'uid-1/UDP/53', protocol: Protocol.UDP, targetPort: 53 },
    ]);
  });

  test('the ports that CLB can carry; of the others the user is told', () => {
    const ports: ServiceRecord['ports'] = [
      { port: 80, protocol: 'TCP' },
      { port: 132, protocol: 'SCTP' },
    ];
    expect(intent({ ports }).rules.map(rule => rule.port)).toEqual([80]);
    expect(codes({ ports })).toEqual(['CD1003']);
  });

  test('somebody else’s listeners only on the user’s word', () => {
    expect(intent({}).adopts).toBe(false);
    expect(intent({ annotations: { ...DIRECT, [ADOPT_LISTENER_ANNOTATION]: 'false' } }).adopts).toBe(false);
    expect(intent({ annotations: { ...DIRECT, [ADOPT_LISTENER_ANNOTATION]: 'true' } }).adopts).toBe(true);
  });

  test('a load balancer of its own, an internal one, or one that exists', () => {
    expect(intent({}).loadBalancer).toEqual({ kind: 'created', subnetId: undefined });
    const subnet = { ...DIRECT, [INTERNAL_SUBNET_ANNOTATION]: 'subnet-1' };
    expect(intent({ annotations: subnet }).loadBalancer).toEqual({ kind: 'created', subnetId: 'subnet-1' });
    const existing = { ...DIRECT, [EXISTING_LOAD_BALANCER_ANNOTATION]: 'lb-7' };
    expect(intent({ annotations: existing }).loadBalancer).toEqual({ kind: 'existing', id: 'lb-7' });
  });
});
