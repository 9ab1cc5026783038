import { afterEach, describe, expect, test } from 'vitest';
import type { PodSpec } from '../../common/kube/objects.ts';
import { Estate, UNHARMED } from './load-balancers/estate.ts';
import { DEPLOYMENTS } from './manifests.ts';

const REPLICAS = 4;
const ENI = { 'tke.cloud.tencent.com/eni-ip': '1' };

let estate: Estate;

afterEach(() => estate.world.close());

describe('a rolling update under load loses nothing', () => {
  test('where the containers slept in preStop: the hook is held as long, and the drain is over by then', async () => {
    estate = await Estate.make({ seed: 41 });
    await open({ containers: [{ ...container(), lifecycle: { preStop: { sleep: { seconds: 12 } } } }] });
    await estate.load('web');
    await estate.roll('web');
    expect(kindsOfHooks()).toEqual(['answered']);
    expect(heldMs()).toHaveLength(REPLICAS);
    for (const ms of heldMs()) {
      expect(ms).toBeGreaterThanOrEqual(12_000);
      expect(ms).toBeLessThan(16_000);
    }
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('on nodes without an agent where the webhook has them sleep instead of asking', async () => {
    estate = await Estate.make({ seed: 43, agentless: ['node-1', 'node-2', 'node-3'] });
    const tolerations = [{ key: 'eks.tke.cloud.tencent.com/eklet', operator: 'Exists' }];
    await open({ containers: [container()], tolerations });
    expect(estate.world.warnings).toContainEqual(
      expect.stringMatching(/preStop sleeps 15 s.*super nodes have no agent/),
    );
    await estate.load('web');
    await estate.roll('web');
    expect(heldMs()).toEqual(Array(REPLICAS).fill(15_000));
    const { lost } = await estate.end();
    expect(lost).toEqual([]);
  });
});

async function open(spec: PodSpec): Promise<void> {
  await estate.world.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: REPLICAS,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels: { app: 'web' } }, spec },
    },
  });
  await estate.serve('web');
  await estate.untilReady('web', REPLICAS);
}

function container() {
  return { name: 'main', image: 'nginx', resources: { requests: ENI, limits: ENI } };
}

function kindsOfHooks(): string[] {
  return [
    ...new Set(estate.world.records.flatMap(record => (record.type === 'preStopEnded' ? [record.outcome.type] : []))),
  ];
}

/** How long each preStop took. */
function heldMs(): number[] {
  const { records } = estate.world;
  const began = new Map(
    records.flatMap(record => (record.type === 'preStopBegan' ? [[record.containerId, record.atMs]] : [])),
  );
  return records.flatMap(record =>
    record.type === 'preStopEnded' ? [record.atMs - (began.get(record.containerId) ?? 0)] : [],
  );
}
