import { expect, test } from 'vitest';
import { CONFIG_FIELDS, type ConfigKind, shortfallOf } from './config-kind.ts';
import { readConfigSettings } from './config-settings.ts';

type Version = NonNullable<NonNullable<ConfigKind['spec']>['versions']>[number];
type Schema = NonNullable<NonNullable<Version['schema']>['openAPIV3Schema']>;

const LISTS = new Set(['l4Listeners', 'l7Listeners', 'domains', 'rules']);

/** A schema with these fields, as structural schemas have them. */
function schemaOf(fields: readonly (readonly string[])[]): Schema {
  const below = Map.groupBy(
    fields.filter(path => path.length > 0),
    ([first = '']) => first,
  );
  const properties = [...below].map(([name, paths]) => {
    const inner = schemaOf(paths.map(path => path.slice(1)));
    return [name, LISTS.has(name) ? { items: inner } : inner] as const;
  });
  return properties.length === 0 ? {} : { properties: Object.fromEntries(properties) };
}

function kind(fields: readonly string[], version: Partial<Version> = {}): ConfigKind {
  const openAPIV3Schema = schemaOf(fields.map(field => field.split('.')));
  return { spec: { versions: [{ name: 'v1alpha1', served: true, schema: { openAPIV3Schema }, ...version }] } };
}

/** An object in which each of the fields is null, which every reader passes over. */
function objectWith(fields: readonly (readonly string[])[]): unknown {
  const below = Map.groupBy(
    fields.filter(path => path.length > 0),
    ([first = '']) => first,
  );
  if (below.size === 0) return null;
  const entries = [...below].map(([name, paths]) => {
    const inner = objectWith(paths.map(path => path.slice(1)));
    return [name, LISTS.has(name) ? [inner] : inner] as const;
  });
  return Object.fromEntries(entries);
}

test('a kind that keeps all that is read lacks nothing', () => {
  expect(shortfallOf(kind(CONFIG_FIELDS))).toBeUndefined();
});

test.each<[string, ConfigKind]>([
  ['in its specification', kind([], { schema: { openAPIV3Schema: { properties: { spec: preserving() } } } })],
  ['everywhere, as old ones do', { spec: { ...kind(['spec']).spec, preserveUnknownFields: true } }],
  ['for want of a schema', { spec: { versions: [{ name: 'v1alpha1', served: true }] } }],
])('nor does one that keeps whatever is written, %s', (_, given) => {
  expect(shortfallOf(given)).toBeUndefined();
});

test('a kind of another version is told with those that it has', () => {
  const versions = [
    { name: 'v1alpha1', served: false },
    { name: 'v1', served: true },
  ];
  expect(shortfallOf({ spec: { versions } })).toBe('does not serve version v1alpha1 (it serves v1)');
  expect(shortfallOf({})).toBe('does not serve version v1alpha1 (it serves none)');
});

test('a kind that drops fields is told with their names', () => {
  const without = (pattern: RegExp) => shortfallOf(kind(CONFIG_FIELDS.filter(field => !pattern.test(field))));
  expect(without(/http2$/)).toBe('does not keep spec.loadBalancer.l7Listeners.domains.http2');
  expect(without(/healthCheck/)).toMatch(/^does not keep spec\.loadBalancer\.l4Listeners\.healthCheck.* and 19 more/);
});

test('every field that is looked for is one that is read', () => {
  const spec = objectWith(CONFIG_FIELDS.map(field => field.split('.').slice(1)));
  const { complaints } = readConfigSettings(spec);
  expect(complaints.filter(complaint => complaint.endsWith('is not known'))).toEqual([]);
  expect(readConfigSettings({ loadBalancer: { l4Listeners: [{ color: null }] } }).complaints).toEqual([
    'spec.loadBalancer.l4Listeners[0].color is not known',
  ]);
});

function preserving(): Schema {
  return { 'x-kubernetes-preserve-unknown-fields': true };
}
