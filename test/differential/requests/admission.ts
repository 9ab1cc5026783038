import type { KubeResponse } from '../../../common/kube/transport.ts';
import { eventually } from '../eventually.ts';
import { namespace, paths, type Side } from '../side.ts';
import { configMap } from './bodies.ts';
import { type ComparedRequest, create, made, remove } from './compared-request.ts';

const { configMaps, webhooks } = paths;

interface Case {
  readonly name: string;
  /** A path of the hooks, or an address where nobody listens. */
  readonly manner: string;
  readonly webhook?: object;
}

const cases: readonly Case[] = [
  { name: 'patches', manner: '/patches' },
  { name: 'refuses', manner: '/refuses' },
  { name: 'refuses-silently', manner: '/refuses-silently' },
  { name: 'breaks', manner: '/breaks' },
  { name: 'answers-another', manner: '/of-another' },
  { name: 'fails', manner: '/unknown' },
  { name: 'fails-ignored', manner: '/unknown', webhook: { failurePolicy: 'Ignore' } },
  { name: 'hangs', manner: '/hangs' },
  { name: 'hangs-ignored', manner: '/hangs', webhook: { failurePolicy: 'Ignore' } },
  { name: 'unreachable', manner: 'https://127.0.0.1:1/' },
  { name: 'unreachable-ignored', manner: 'https://127.0.0.1:1/', webhook: { failurePolicy: 'Ignore' } },
  { name: 'no-service', manner: 'service' },
  {
    name: 'other-namespaces',
    manner: '/refuses',
    webhook: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } },
  },
  {
    name: 'other-objects',
    manner: '/refuses',
    webhook: { matchConditions: [{ name: 'never', expression: 'object.metadata.name == "other"' }] },
  },
  {
    name: 'conditions-break',
    manner: '/patches',
    webhook: { matchConditions: [{ name: 'breaks', expression: 'object.metadata.none.none == "x"' }] },
  },
];

/** What becomes of an object whose creation a webhook is asked about: each webhook wants the objects of its own label. */
export const admissions: readonly ComparedRequest[] = [
  {
    name: 'a webhook without a policy',
    async send(side) {
      for (const { name, manner, webhook = {} } of cases.slice(1))
        await made(side, webhooks, configuration(side, name, manner, webhook));
      const answer = await create(side, webhooks, configuration(side, 'patches', '/patches', {}));
      await untilTheyAreCalled(side);
      return answer;
    },
  },
  ...cases.map(({ name }) => ({
    name: `a webhook that is: ${name}`,
    send: (side: Side) => create(side, configMaps, configMap(`hooked-${name}`, { labels: { hook: name } })),
  })),
  {
    name: 'a webhook without a place',
    send: side => create(side, webhooks, { ...configurationOf('nowhere', [{ ...base('nowhere'), clientConfig: {} }]) }),
  },
  {
    name: 'a webhook that waits too long',
    send: side => create(side, webhooks, configuration(side, 'waiting', '/patches', { timeoutSeconds: 31 })),
  },
  {
    name: 'a webhook whose conditions are none',
    send: side =>
      create(
        side,
        webhooks,
        configuration(side, 'confused', '/patches', { matchConditions: [{ name: 'x', expression: 'object.' }] }),
      ),
  },
  {
    name: 'the webhooks are gone',
    async send(side) {
      const answers: KubeResponse[] = [];
      for (const { name } of cases) answers.push(await remove(side, `${webhooks}/${configurationName(name)}`));
      return { status: 200, body: answers.map(({ status }) => status) };
    },
  },
];

function configurationName(name: string): string {
  return `differential-${name}`;
}

function base(name: string): object {
  return {
    name: `${name}.clb-direct.io`,
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
    objectSelector: { matchLabels: { hook: name } },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    timeoutSeconds: 1,
  };
}

function configuration(side: Side, name: string, manner: string, webhook: object): object {
  const { url, caBundle } = side.hooks;
  const isPath = manner.startsWith('/');
  const address =
    manner === 'service' ? { service: { namespace, name: 'none' } } : { url: isPath ? url + manner : manner };
  return configurationOf(name, [{ ...base(name), clientConfig: { ...address, caBundle }, ...webhook }]);
}

function configurationOf(name: string, webhooks: readonly object[]): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: configurationName(name) },
    webhooks,
  };
}

/** A real server hears of them a little later; the last is then known with those before it. */
async function untilTheyAreCalled(side: Side): Promise<void> {
  const trial = configMap('trial', { labels: { hook: 'patches' } });
  const isCalled = ({ body }: KubeResponse) => JSON.stringify(body).includes('hooked');
  await eventually(
    side,
    async () => {
      const answer = await create(side, configMaps, trial);
      await remove(side, `${configMaps}/trial`);
      return answer;
    },
    isCalled,
  );
}
