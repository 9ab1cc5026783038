import { describe, expect, test } from 'vitest';
import { PodPhase, type PodRecord, Protocol } from '../../common/pod-record.ts';
import type { Rule } from '../core/rule.ts';
import { missingPort } from './missing-port.ts';

const RULE: Rule = {
  id: 'uid/TCP/80',
  service: { namespace: 'default', name: 'web', uid: 'uid' },
  protocol: Protocol.TCP,
  port: 80,
  selector: { app: 'web' },
  targetPort: 'http',
  publishNotReadyAddresses: false,
  place: undefined,
  refusal: undefined,
};

function pod(fields: Partial<PodRecord> = {}): PodRecord {
  return {
    uid: 'pod-uid',
    namespace: 'default',
    name: 'web-0',
    addresses: ['10.0.0.1'],
    labels: { app: 'web' },
    hostNetwork: false,
    eni: undefined,
    ports: [{ name: 'admin', port: 81, protocol: Protocol.TCP }],
    phase: PodPhase.RUNNING,
    ready: true,
    deletion: undefined,
    containers: [],
    gate: 0,
    annotations: {},
    createdAtMs: 0,
    ...fields,
  };
}

const HTTP = { name: 'http', port: 8080, protocol: Protocol.TCP };

describe('a targetPort by name', () => {
  test('that no container has is told with the Service, the port and the name', () => {
    const found = missingPort(RULE, [pod()]);
    expect(found?.code).toBe('CD1002');
    expect(found?.message).toMatch(/default\/web.*TCP:80.*"http"/);
  });

  test('that only a UDP port has does not fit a TCP rule', () => {
    expect(missingPort(RULE, [pod({ ports: [{ ...HTTP, protocol: Protocol.UDP }] })])?.code).toBe('CD1002');
  });

  test.each<[string, readonly PodRecord[]]>([
    ['without Pods', []],
    ['with Pods of others alone', [pod({ labels: { app: 'other' } }), pod({ namespace: 'elsewhere' })]],
    ['with ended Pods alone', [pod({ phase: PodPhase.FAILED })]],
    ['with Pods on their way out alone', [pod({ deletion: { seenAtMs: 1, gracePeriodSeconds: 30 } })]],
    ['with one Pod that has it', [pod(), pod({ ports: [HTTP] })]],
  ])('is no problem %s', (_, pods) => {
    expect(missingPort(RULE, pods)).toBeUndefined();
  });

  test('that is a number needs no container to declare it', () => {
    expect(missingPort({ ...RULE, targetPort: 8080 }, [pod({ ports: [] })])).toBeUndefined();
  });
});
