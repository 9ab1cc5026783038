import type { Container, Pod, PodSpec } from '../../common/kube/objects.ts';
import { DEFAULT_INJECTION_POLICY, type Injection, type InjectionPolicy, injectPod } from './inject.ts';
import { patched } from './json-patch-fixture.ts';
import { type Surroundings, UNKNOWN_SURROUNDINGS } from './surroundings.ts';

export const ENI = {
  limits: { 'tke.cloud.tencent.com/eni-ip': '1' },
  requests: { 'tke.cloud.tencent.com/eni-ip': '1' },
};
export const GATE = { conditionType: 'clb-direct.io/load-balancer-ready' };
export const HOOK = { httpGet: { port: 19440, path: '/v1/drain' } };
export const TOKEN = 'token-of-sixteen-or-more';
export const LOOPBACK_HOOK = { httpGet: { host: '127.0.0.1', port: 19440, path: `/v1/drain/${TOKEN}` } };
/** Where injection writes what the application's own share of the grace period is. */
export const NOTED = 'clb-direct.io/application-grace-seconds';

interface Circumstances {
  readonly policy?: Partial<InjectionPolicy>;
  readonly surroundings?: Partial<Surroundings>;
}

/** Injection with everything by default but what is told. */
export function inject(pod: Pod, { policy, surroundings }: Circumstances = {}): Injection {
  const whole = { ...DEFAULT_INJECTION_POLICY, newToken: () => TOKEN, ...policy };
  return injectPod(pod, whole, { ...UNKNOWN_SURROUNDINGS, ...surroundings });
}

/** The same, carried out. */
export function injected(pod: Pod, circumstances: Circumstances = {}) {
  const { patch, ...rest } = inject(pod, circumstances);
  return { pod: patched(pod, patch), ...rest };
}

export function container(name: string, rest: Partial<Container> = {}): Container {
  return { name, image: 'nginx', ...rest };
}

export function eniContainer(rest: Partial<Container> = {}): Container {
  return container('web', { resources: ENI, ...rest });
}

export function eniPod(spec: Partial<PodSpec> = {}, annotations?: Record<string, string>): Pod {
  return newPod({ containers: [eniContainer()], terminationGracePeriodSeconds: 30, ...spec }, annotations);
}

/** As a Pod of a ReplicaSet arrives: without name and uid. */
export function newPod(spec: Partial<PodSpec>, annotations?: Record<string, string>): Pod {
  const metadata = { generateName: 'web-5c7dc6cff4-', ...(annotations && { annotations }) } as Pod['metadata'];
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container('web')], ...spec } };
}
