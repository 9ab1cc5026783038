import { describe, expect, test } from 'vitest';
import { placedRule } from '../core/pod.fixture.ts';
import { causeOfFailedCheck, type FailedCheck } from './stuck-gate.ts';

const RULE = placedRule();
const ON_LAYER_7 = placedRule({ forwarding: { scheme: 'HTTP', domain: 'shop.example', url: '/' } });

function cause(failed: Partial<FailedCheck>): string {
  return causeOfFailedCheck({ rule: RULE, check: {}, port: 8080, reached: 'connected', ...failed });
}

describe('a gate that waits for a health check', () => {
  test.each<[string, Partial<FailedCheck>, string]>([
    [
      'that the own node refuses is about the port or a slow start',
      { reached: 'refused' },
      'nothing listens on port 8080',
    ],
    [
      'that hangs from the own node is about the application',
      { reached: 'timed-out' },
      'the application hangs or is slow to start',
    ],
    [
      'that the own node does not reach, too',
      { reached: 'unreachable' },
      "not even the Pod's own node reaches port 8080",
    ],
    ['about which the node says nothing may be anything', { reached: 'unanswered' }, "the Pod's node cannot tell why"],
    ['that TCP tells nothing about may be anything', { reached: undefined }, "the Pod's node cannot tell why"],
  ])('%s', (_name, failed, expected) => {
    expect(cause(failed)).toContain(`Service default/web, TCP:80: `);
    expect(cause(failed)).toContain(expected);
  });

  test('that the own node passes over TCP is about security groups, and tells where probes come from', () => {
    expect(cause({})).toMatch(
      /a security group of the Pod or a NetworkPolicy keeps out probes from 100\.64\.0\.0\/10$/,
    );
    expect(cause({ check: { sourceIpType: 0 } })).toMatch(/keeps out probes from the load balancer's address$/);
  });

  test('by HTTP may be about the path and the statuses, too', () => {
    const check = { httpMethod: 'GET', httpPath: '/ready', httpDomain: 'shop.example', httpCode: 6 } as const;
    expect(cause({ rule: ON_LAYER_7, check })).toMatch(
      /100\.64\.0\.0\/10, or GET \/ready for the host shop\.example is not answered with 2xx or 3xx$/,
    );
  });
});
