import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { LayerSevenFixture, LISTENER, NO_CHECK, ruleCreated, targetChange } from './forwarding.fixture.ts';
import { HealthChecker, type HealthTransition, type ProbeTarget } from './health-checker.ts';
import type { Change, HealthCheckSettings } from './state.ts';

const A = '10.0.0.1';
const CHECK: HealthCheckSettings = { ...NO_CHECK, enabled: true };
/** Interval times threshold. */
const HEALTHY_WITHIN_MS = 15_000;
const HTTP = { protocol: 'HTTP', method: 'HEAD', domain: 'www.example.com', path: '/up', passingStatuses: 2 } as const;

/** A listener of layer 7 whose rules a test adds; a probe passes unless its path is `/down`. */
function checking(...changes: readonly Change[]) {
  const clock = new VirtualClock();
  const probes: ProbeTarget[] = [];
  const transitions: HealthTransition[] = [];
  const checker = new HealthChecker({
    clock,
    random: seededRandom(1),
    async probe(target) {
      probes.push(target);
      return target.http?.path !== '/down';
    },
    onTransition: transition => transitions.push(transition),
  });
  const { listenerCreated } = new LayerSevenFixture(clock, { vip: '127.100.0.1', port: 80, protocol: 'HTTP' });
  const apply = (...more: readonly Change[]) => {
    for (const change of more) checker.apply(change);
  };
  apply(listenerCreated, ...changes);
  const status = (locationId: string) => checker.status({ listenerId: LISTENER, locationId }, `${A}:8080`);
  return { clock, probes, transitions, apply, status };
}

const bound = (locationId: string) => targetChange('target-registered', locationId, { address: A });

describe('the check of a rule', () => {
  it('is its own: the same target may be well for one rule and ill for another', async () => {
    const { clock, status, transitions } = checking(
      ruleCreated('loc-up', { healthCheck: { ...CHECK, http: HTTP } }),
      ruleCreated('loc-down', { healthCheck: { ...CHECK, http: { ...HTTP, path: '/down' } } }),
      ruleCreated('loc-off'),
      ...['loc-up', 'loc-down', 'loc-off'].map(bound),
    );
    await clock.advance(HEALTHY_WITHIN_MS);
    expect(['loc-up', 'loc-down', 'loc-off'].map(status)).toEqual(['Alive', 'Dead', 'Close']);
    expect(transitions).toContainEqual({
      listenerId: LISTENER,
      locationId: 'loc-down',
      address: A,
      port: 8080,
      status: 'Dead',
    });
  });

  it('tells the probe which request to send, or to connect only', async () => {
    const { clock, probes } = checking(
      ruleCreated('loc-http', { healthCheck: { ...CHECK, http: HTTP } }),
      ruleCreated('loc-tcp', { healthCheck: CHECK }),
      ...['loc-http', 'loc-tcp'].map(bound),
    );
    await clock.advance(CHECK.intervalMs);
    const target = { vip: '127.100.0.1', protocol: 'HTTP', address: A, port: 8080 };
    expect(probes).toHaveLength(2);
    expect(probes).toEqual(expect.arrayContaining([target, { ...target, http: HTTP }]));
  });

  it('changes with the rule', async () => {
    const { clock, apply, status } = checking(
      ruleCreated('loc-1', { healthCheck: { ...CHECK, http: HTTP } }),
      bound('loc-1'),
    );
    await clock.advance(HEALTHY_WITHIN_MS);
    const modified = ruleCreated('loc-1', { healthCheck: { ...CHECK, http: { ...HTTP, path: '/down' } } });
    apply({ ...modified, kind: 'rule-modified' } as Change);
    expect(status('loc-1')).toBe('Alive');
    await clock.advance(HEALTHY_WITHIN_MS);
    expect(status('loc-1')).toBe('Dead');
  });

  it('ends with the target and with the rule', async () => {
    const { clock, apply, probes, status } = checking(
      ruleCreated('loc-1', { healthCheck: CHECK }),
      ruleCreated('loc-2', { healthCheck: CHECK }),
      ...['loc-1', 'loc-2'].map(bound),
    );
    await clock.advance(HEALTHY_WITHIN_MS);
    apply(targetChange('target-deregistered', 'loc-1', { address: A }));
    expect(['loc-1', 'loc-2'].map(status)).toEqual(['Unknown', 'Alive']);
    const { loadBalancerId } = targetChange('target-deregistered', 'loc-2', { address: A });
    apply(targetChange('target-deregistered', 'loc-2', { address: A }), {
      kind: 'rule-deleted',
      loadBalancerId,
      listenerId: LISTENER,
      locationId: 'loc-2',
    });
    const before = probes.length;
    await clock.advance(HEALTHY_WITHIN_MS);
    expect(probes.length).toBe(before);
  });
});
