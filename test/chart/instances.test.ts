import { beforeAll, describe, expect, test } from 'vitest';
import { AGENT_OPTIONS, REMOVAL_OPTIONS } from '../../agent/options.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import { namesFrom } from '../../common/instance-options.ts';
import { parseOptions } from '../../common/options.ts';
import { COORDINATOR_OPTIONS } from '../../coordinator/options.ts';
import { RELEASE_OPTIONS } from '../../coordinator/release/options.ts';
import { findHelm, type Rendered } from './helm.ts';
import { type Container, containersOf, podsOf } from './pod-spec.ts';
import { variants } from './variants.ts';

const BUILD_TIMEOUT_MS = 900_000;

let missing: string | undefined;
let first: readonly Rendered[] = [];
let second: readonly Rendered[] = [];

beforeAll(async () => {
  const helm = await findHelm();
  if (typeof helm === 'string') {
    missing = helm;
    return;
  }
  first = await helm.render();
  second = await helm.render(variants['a second instance'], { namespace: 'clb-direct-inner' });
}, BUILD_TIMEOUT_MS);

function check(name: string, judge: () => void): void {
  test(name, ({ skip }) => {
    if (missing !== undefined) return skip(missing);
    judge();
  });
}

/** What the API server tells objects apart by. */
function identities(objects: readonly Rendered[]): readonly string[] {
  return objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
}

function containers(objects: readonly Rendered[]): readonly Container[] {
  return objects.flatMap(object => podsOf(object).flatMap(containersOf));
}

function environmentOf({ env = [] }: Container): Readonly<Record<string, string>> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? 'x']));
}

/** The instance that a process takes itself to be of; undefined for what is no process of ours. */
function namesOf(container: Container): InstanceNames | undefined {
  const [command, ...argv] = container.args ?? [];
  const environment = environmentOf(container);
  if (argv.includes('--remove-redirect')) return namesFrom(parseOptions(REMOVAL_OPTIONS, argv, environment));
  if (command === 'agent') return namesFrom(parseOptions(AGENT_OPTIONS, argv, environment));
  if (command === 'coordinator') return namesFrom(parseOptions(COORDINATOR_OPTIONS, argv, environment));
  if (command === 'release') return namesFrom(parseOptions(RELEASE_OPTIONS, argv, environment));
  return undefined;
}

/** Of all processes, each once. */
function instancesIn(objects: readonly Rendered[]): readonly InstanceNames[] {
  const all = containers(objects).flatMap(container => namesOf(container) ?? []);
  return [...new Map(all.map(names => [JSON.stringify(names), names])).values()];
}

/** What the processes take on a node. */
function portsIn(objects: readonly Rendered[]): readonly string[] {
  const listens = containers(objects).flatMap(each => environmentOf(each).CLB_DIRECT_HTTP_LISTEN?.split(':')[1] ?? []);
  return [...listens, ...instancesIn(objects).map(({ hookPort }) => `${hookPort}`)];
}

describe('two releases in one cluster', () => {
  check('have no object in common', () => {
    const taken = new Set(identities(first));
    expect(taken.size).toBeGreaterThan(15);
    expect(identities(second).filter(identity => taken.has(identity))).toEqual([]);
  });

  check('agree within themselves which instance they are of', () => {
    expect(instancesIn(first).map(({ name }) => name)).toEqual(['']);
    expect(instancesIn(second).map(({ name }) => name)).toEqual(['inner']);
  });

  check('have no word, port, table or chain in common', () => {
    const [one, other] = [instancesIn(first)[0] ?? {}, instancesIn(second)[0] ?? {}];
    const taken = new Set(Object.values(one));
    expect(taken.size).toBeGreaterThan(8);
    expect(Object.values(other).filter(word => taken.has(word))).toEqual([]);
    expect(portsIn(second)).toHaveLength(2);
    expect(portsIn(second).filter(port => portsIn(first).includes(port))).toEqual([]);
  });

  check('each may write its own registration of the webhook, and that of no other', () => {
    const named = (objects: readonly Rendered[]) =>
      objects.flatMap(({ rules = [] }) =>
        (rules as { resources: string[]; resourceNames?: string[] }[]).flatMap(({ resources, resourceNames = [] }) =>
          resources.includes('mutatingwebhookconfigurations') ? resourceNames : [],
        ),
      );
    expect(new Set(named(first))).toEqual(new Set(['clb-direct']));
    expect(new Set(named(second))).toEqual(new Set(['clb-direct-inner']));
  });

  check('scrape their own agents', () => {
    const annotated = (objects: readonly Rendered[]) =>
      JSON.stringify(objects.filter(({ kind }) => kind === 'DaemonSet')).match(/"prometheus.io\/port":"(\d+)"/)?.[1];
    expect([annotated(first), annotated(second)]).toEqual(['19441', '19451']);
  });

  check('serve an IngressClass each', () => {
    const classes = [...first, ...second].filter(({ kind }) => kind === 'IngressClass');
    expect(classes.map(({ metadata }) => metadata.name)).toEqual(
      [...instancesIn(first), ...instancesIn(second)].map(({ ingressClass }) => ingressClass),
    );
  });
});
