import { expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { systemRandom } from '../../common/random.ts';
import { LOW_PORTS_ADVICE, mayListenOnLowPorts } from '../../sandbox/cluster/low-ports.ts';
import { startSandbox } from '../../sandbox/cluster/start-sandbox.ts';
import { applyExamples, applySides, awaitProduct, awaitSides, exampleTables } from '../../sandbox/demo/install.ts';
import { Progress } from '../../sandbox/demo/progress.ts';
import { rollBoth } from '../../sandbox/demo/rolling-update.ts';
import { judge } from '../../sandbox/demo/verdict.ts';

const REPLICAS = 2;
const LOAD = { rate: 20, keepAliveClients: 20, longClients: 4, longSeconds: 5, shortRequestsMin: 500 };
const LIMIT_MS = 120_000;

test('real processes bind the examples, and a rolling update under load loses nothing', {
  timeout: LIMIT_MS,
}, async context => {
  if (!(await mayListenOnLowPorts())) context.skip(LOW_PORTS_ADVICE);
  const clock = systemClock();
  const settings = { createLoadBalancerMs: 500, healthCheckSeconds: 2, healthCheckThreshold: 2, keepFolder: false };
  await using sandbox = await startSandbox({ clock, random: systemRandom(), ...settings }, context.signal);
  const progress = new Progress(clock, () => undefined);
  const demo = { sandbox, clock, progress, replicas: REPLICAS };
  await awaitProduct(demo, context.signal);
  await Promise.all([applyExamples(demo, context.signal), applySides(demo, context.signal)]);
  const tables = await exampleTables(demo, context.signal);
  expect(tables).toContain(`${sandbox.plan.vipPrefix}.`);
  expect(tables.match(/Running .* 1\/1$/gm)).toHaveLength(3);

  await awaitSides(demo, context.signal);
  const results = await rollBoth(demo, LOAD, context.signal);
  const demands = { requestsMin: LOAD.shortRequestsMin, replacementsMin: REPLICAS, drainingShareMin: 0.3 };
  const checks = judge(results.hooked, results['gate-only'], demands);
  // Whether few requests on the other side meet a Pod that is gone is left to chance.
  const certain = checks.filter(({ claim }) => !/^gate-only: \d+ of/.test(claim));
  expect(certain.filter(({ holds }) => !holds)).toEqual([]);

  const missing = Number.NaN;
  for (const pod of results.hooked.moments) {
    const { preStop = missing, weightZero = missing, lastConnection = missing } = pod;
    const { deregistered = missing, terminated = missing } = pod;
    expect(pod.cut).toBe(0);
    expect(weightZero).toBeLessThan(lastConnection);
    expect(preStop).toBeLessThan(lastConnection);
    expect(lastConnection).toBeLessThanOrEqual(deregistered);
    expect(deregistered).toBeLessThan(terminated);
  }
});
