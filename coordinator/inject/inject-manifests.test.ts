import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { Container, LifecycleHandler, Pod, PodSpec } from '../../common/kube/objects.ts';
import { DEFAULT_INJECTION_POLICY, type InjectionPolicy } from '../webhook/inject.ts';
import { container, ENI, GATE, HOOK, inject, injected, NOTED, TOKEN } from '../webhook/new-pod.fixture.ts';
import { injectManifests, ManifestError } from './inject-manifests.ts';

const POLICY: InjectionPolicy = { ...DEFAULT_INJECTION_POLICY, newToken: () => TOKEN };
const SPEC: PodSpec = { containers: [{ name: 'web', image: 'nginx' }] };

const DEPLOYMENT = `# The shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # its name
spec:
  template:
    metadata:
      labels:
        app: web
    spec:
      # One container.
      containers:
        - name: web
          image: "nginx:1.27"
`;

describe('a manifest', () => {
  test('gets gate, hook and grace period, and keeps its comments and everything else', () => {
    const { text, remarks } = injectManifests(DEPLOYMENT, POLICY);
    expect(text).toMatch(/^# The shop\.\n.*name: web # its name\n.*# One container\.\n.*image: "nginx:1\.27"\n/s);
    const { spec, metadata } = parse(text).spec.template;
    expect(spec.readinessGates).toEqual([GATE]);
    expect(spec.containers[0].lifecycle).toEqual({ preStop: HOOK });
    expect(spec.terminationGracePeriodSeconds).toBe(60);
    expect(metadata).toEqual({ labels: { app: 'web' }, annotations: { [NOTED]: '30' } });
    expect(remarks).toEqual([
      'Deployment web: added the readiness gate, preStop (redirect), terminationGracePeriodSeconds: 60',
    ]);
  });

  test('that has them already stays as it is, to the letter', () => {
    const { text } = injectManifests(DEPLOYMENT, POLICY);
    expect(injectManifests(text, POLICY)).toEqual({ text, remarks: ['Deployment web: left as it is'] });
  });

  test.each<[string, object, string]>([
    ['Pod', { kind: 'Pod', spec: SPEC }, 'spec'],
    ['StatefulSet', { kind: 'StatefulSet', spec: { template: { spec: SPEC } } }, 'spec.template.spec'],
    ['DaemonSet', { kind: 'DaemonSet', spec: { template: { spec: SPEC } } }, 'spec.template.spec'],
    ['Job', { kind: 'Job', spec: { template: { spec: SPEC } } }, 'spec.template.spec'],
    [
      'CronJob',
      { kind: 'CronJob', spec: { jobTemplate: { spec: { template: { spec: SPEC } } } } },
      'spec.jobTemplate.spec.template.spec',
    ],
    ['CloneSet of another API', { kind: 'CloneSet', spec: { template: { spec: SPEC } } }, 'spec.template.spec'],
    ['PodTemplate', { kind: 'PodTemplate', template: { spec: SPEC } }, 'template.spec'],
    ['List', { kind: 'List', items: [{ kind: 'Service' }, { kind: 'Pod', spec: SPEC }] }, 'items.1.spec'],
  ])('may be a %s', (_name, manifest, path) => {
    const { text } = injectManifests(stringify(manifest), POLICY);
    const spec = path.split('.').reduce((value, key) => value[key], parse(text));
    expect(spec).toMatchObject({ readinessGates: [GATE], terminationGracePeriodSeconds: 60 });
  });

  test('may be one of several, of which the others stay', () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' } },
    };
    const { text } = injectManifests(`---\n${stringify(service)}---\n${DEPLOYMENT}---\n${stringify(service)}`, POLICY);
    const documents = parseAllDocuments(text).map(document => document.toJS());
    expect(documents.map(({ kind }) => kind)).toEqual(['Service', 'Deployment', 'Service']);
    expect(documents[0]).toEqual(service);
    expect(documents[1].spec.template.spec.readinessGates).toEqual([GATE]);
  });

  test('may be JSON, and stays JSON', () => {
    const { text } = injectManifests(JSON.stringify(parse(DEPLOYMENT)), POLICY);
    expect(JSON.parse(text).spec.template.spec.readinessGates).toEqual([GATE]);
  });

  test('with keys that have no value is filled in', () => {
    const bare = 'kind: Pod\nmetadata:\nspec:\n  readinessGates:\n  containers:\n    - name: web\n      lifecycle:\n';
    const pod = parse(injectManifests(bare, POLICY).text);
    expect(pod.metadata.annotations).toEqual({ [NOTED]: '30' });
    expect(pod.spec.containers[0].lifecycle.preStop).toEqual(HOOK);
    expect(pod.spec.readinessGates).toEqual([GATE]);
  });

  test('says no where its Pods are to be left alone', () => {
    const quiet = { kind: 'Pod', metadata: { annotations: { 'clb-direct.io/inject': 'false' } }, spec: SPEC };
    const text = stringify(quiet);
    expect(injectManifests(text, POLICY)).toEqual({ text, remarks: ['Pod without a name: left as it is'] });
  });

  test('of hostNetwork Pods gets one token for all of them, and says what follows', () => {
    const text = stringify({
      kind: 'DaemonSet',
      metadata: { name: 'gw' },
      spec: { template: { spec: { ...SPEC, hostNetwork: true } } },
    });
    const found = injectManifests(text, POLICY);
    expect(found.text).toContain(`path: /v1/drain/${TOKEN}`);
    expect(found.remarks).toContainEqual(expect.stringMatching(/^DaemonSet gw: .*at most one of them on a node/));
    expect(injectManifests(found.text, { ...POLICY, newToken: () => 'another-token-than-it' }).text).toBe(found.text);
  });

  test('with a preStop of another kind tells what the webhook would warn of', () => {
    const containers = [container('web', { lifecycle: { preStop: { exec: { command: ['true'] } } } })];
    const { remarks } = injectManifests(stringify({ kind: 'Pod', spec: { containers } }), POLICY);
    expect(remarks).toContainEqual(expect.stringMatching(/container "web" keeps its exec preStop.*on SIGTERM/));
  });

  test('without any Pod stays as it is, to the letter', () => {
    for (const text of ['', '# nothing\n', 'kind:   Service\n', '[1, 2]\n', 'kind: Pod\n---\n']) {
      expect(injectManifests(text, POLICY).text).toBe(text);
    }
  });

  test.each([
    ['is no YAML', 'a: [\n', /^line \d: Flow sequence/],
    ['has a key twice', 'kind: Pod\nkind: Pod\n', /^line \d: Map keys must be unique/],
    ['multiplies itself by aliases', `a: &a [x, x]\n${bomb(12)}`, /alias/],
    [
      'shares by an alias what would have to differ',
      'kind: Pod\nspec:\n  containers:\n    - &c { name: web, lifecycle: {} }\n    - *c\n',
      /^Pod without a name: .*write out what stands there by an alias/,
    ],
  ])('that %s is refused, saying where', (_name, text, message) => {
    expect(() => injectManifests(text, POLICY)).toThrow(ManifestError);
    expect(() => injectManifests(text, POLICY)).toThrow(message);
  });

  test('whose Pod is malformed stays as it is, and says so', () => {
    const text = stringify({ kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [{ name: 7 }] } });
    expect(injectManifests(text, POLICY)).toEqual({
      text,
      remarks: ['Pod web: its Pod could not be read, and was left as it is'],
    });
  });
});

describe('whatever a template says', () => {
  const preStop: fc.Arbitrary<LifecycleHandler | undefined> = fc.oneof(
    fc.constant(undefined),
    fc.constant<LifecycleHandler>({ exec: { command: ['true'] } }),
    fc.constant(HOOK),
    fc.integer({ min: 1, max: 60 }).map(seconds => ({ sleep: { seconds } })),
  );
  const anyContainer: fc.Arbitrary<Container> = preStop.map(own =>
    container('web', { resources: ENI, ...(own && { lifecycle: { preStop: own } }) }),
  );
  const anySpec: fc.Arbitrary<PodSpec> = fc.record(
    {
      containers: fc.array(anyContainer, { minLength: 1, maxLength: 3 }),
      terminationGracePeriodSeconds: fc.integer({ min: 60, max: 300 }),
      readinessGates: fc.subarray([GATE, { conditionType: 'example.com/other' }]),
    },
    { requiredKeys: ['containers'] },
  );
  const anyAnnotations = fc.record(
    { 'clb-direct.io/drain-seconds': fc.constantFrom('20', '45', 'soon'), team: fc.constant('shop') },
    { requiredKeys: [] },
  );

  test('its Pods come out as the webhook would have made them, and that has nothing to add', () => {
    fc.assert(
      fc.property(anySpec, anyAnnotations, (spec, annotations) => {
        const template = { metadata: { labels: { app: 'web' }, annotations }, spec };
        const { text } = injectManifests(stringify({ kind: 'Deployment', spec: { template } }), POLICY);
        const made = podOf(parse(text).spec.template);
        expect(made).toEqual(injected(podOf(template)).pod);
        expect(inject(made).patch).toEqual([]);
      }),
    );
  });
});

function podOf({ metadata, spec }: { metadata: object; spec: PodSpec }): Pod {
  return { metadata: { name: 'web-1', ...metadata }, spec };
}

/** Every line twice the one before. */
function bomb(lines: number): string {
  return Array.from({ length: lines }, (_, index) => {
    const before = index === 0 ? 'a' : `a${index - 1}`;
    return `a${index}: &a${index} [*${before}, *${before}]`;
  }).join('\n');
}
