import { describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { PODS, TestApi } from '../../sandbox/kube/api/fixtures.ts';
import { reviewPod } from './admission.ts';
import { webhookConfiguration } from './configuration.ts';
import { DEFAULT_INJECTION_POLICY } from './inject.ts';
import { eniPod, GATE, HOOK, newPod } from './new-pod.fixture.ts';
import { UNKNOWN_SURROUNDINGS } from './surroundings.ts';

const SERVICES = '/api/v1/namespaces/clb-direct/services';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/clb-direct/endpointslices';
const FIRST = '127.0.1.1';
const SECOND = '127.0.1.2';
const THIRD = '127.0.1.3';
const PARTS = [FIRST, SECOND, THIRD];
type Fate = 'refuses' | 'is silent';

/** An API server that has the webhook registered, and a coordinator of each of three parts behind it. */
class Stage {
  readonly fates = new Map<string, Fate>();
  /** Who was called, in order. */
  readonly called: string[] = [];
  readonly #api = new TestApi({ admissionCaller: (target, review) => this.#answer(new URL(target.url), review) });

  async prepare(): Promise<this> {
    const { desired, name } = webhookConfiguration({
      namespace: 'clb-direct',
      caPem: () => 'CA 1',
      parts: PARTS.length,
      names: DEFAULT_INSTANCE,
    });
    const collection = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    await this.#api.post(collection, { metadata: { name }, webhooks: desired() });
    await this.#api.post('/api/v1/namespaces', { metadata: { name: 'clb-direct' } });
    const ports = PARTS.map((_address, part) => ({ name: `webhook-${part}`, port: 9444 + part }));
    await this.#api.post(SERVICES, { metadata: { name: 'clb-direct-webhook' }, spec: { ports } });
    for (const [part, address] of PARTS.entries()) await this.#publish(`webhook-${part}`, address);
    return this;
  }

  /** The Pod as it was made, and how long that took in ms. */
  async create(pod: Pod): Promise<{ pod: Pod; tookMs: number }> {
    const { clock } = this.#api;
    const startedAt = clock.now();
    let tookMs: number | undefined;
    const created = this.#api.post(PODS, pod).finally(() => {
      tookMs = clock.now() - startedAt;
    });
    await clock.advanceUntil(() => tookMs !== undefined, 60_000);
    const { status, body } = await created;
    expect(status).toBe(201);
    return { pod: body as unknown as Pod, tookMs: tookMs ?? 0 };
  }

  async #publish(name: string, address: string): Promise<void> {
    await this.#api.post(SLICES, {
      metadata: { name, labels: { 'kubernetes.io/service-name': 'clb-direct-webhook' } },
      addressType: 'IPv4',
      ports: [{ name, port: 9444 }],
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    });
  }

  #answer({ hostname }: URL, review: unknown): Promise<unknown> {
    this.called.push(hostname);
    const fate = this.fates.get(hostname);
    if (fate === 'refuses') return Promise.reject(new Error('connection refused'));
    if (fate === 'is silent') return new Promise(() => {});
    const options = { policy: DEFAULT_INJECTION_POLICY, surroundingsOf: () => UNKNOWN_SURROUNDINGS };
    return Promise.resolve(reviewPod(review, options).body);
  }
}

const stageWith = async (fates: Readonly<Record<string, Fate>> = {}) => {
  const stage = await new Stage().prepare();
  for (const [address, fate] of Object.entries(fates)) stage.fates.set(address, fate);
  return stage;
};

function expectInjected({ spec }: Pod): void {
  expect(spec.readinessGates).toEqual([GATE]);
  expect(spec.containers.map(({ lifecycle }) => lifecycle?.preStop)).toMatchObject([HOOK]);
}

describe('a Pod that is made while the API server still calls a killed coordinator has gate and hook', () => {
  test.each(PARTS)('be it the one at %s', async killed => {
    const stage = await stageWith({ [killed]: 'refuses' });
    expectInjected((await stage.create(eniPod())).pod);
  });

  test.each(PARTS)('be it all but the one at %s', async alive => {
    const others = PARTS.filter(address => address !== alive);
    const stage = await stageWith(Object.fromEntries(others.map(address => [address, 'refuses'])));
    expectInjected((await stage.create(eniPod())).pod);
  });

  test('and 3 s later than else when that one cannot be reached at all', async () => {
    const stage = await stageWith({ [FIRST]: 'is silent' });
    const { pod, tookMs } = await stage.create(eniPod());
    expectInjected(pod);
    expect(tookMs).toBe(3_000);
  });
});

test('a Pod is made without gate and hook, within 6 s, when no coordinator answers', async () => {
  const stage = await stageWith(Object.fromEntries(PARTS.map(address => [address, 'is silent'])));
  const { pod, tookMs } = await stage.create(eniPod());
  expect(pod.spec.readinessGates).toBeUndefined();
  expect(tookMs).toBe(6_000);
});

test('a Pod that has got gate and hook is not sent a second time', async () => {
  const stage = await stageWith();
  expectInjected((await stage.create(eniPod())).pod);
  expect(stage.called).toEqual([FIRST]);
});

test('a Pod that needs nothing is left as it is by all', async () => {
  const stage = await stageWith();
  const { pod } = await stage.create(newPod({}));
  expect(pod.spec.readinessGates).toBeUndefined();
  expect(stage.called).toEqual(PARTS);
});
