import type { ChartValue } from './chart-values.ts';

/**
 * The JSON Schema (draft 7, which helm 3 and 4 both take) of the chart's values: keys as in values.yaml and no others, types as
 * the defaults', narrowed by what the comments say. @throws Error that names a default whose type tells nothing.
 */
export function chartSchema(values: readonly ChartValue[]): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart clb-direct',
    // Helm adds `global` where the chart is part of another.
    ...group(values, { global: { type: 'object' } }),
  };
}

function group(values: readonly ChartValue[], more: object = {}): object {
  const properties = Object.fromEntries(values.map(value => [value.path.split('.').at(-1), property(value)]));
  return { type: 'object', additionalProperties: false, properties: { ...properties, ...more } };
}

function property(value: ChartValue): object {
  const description = value.description === '' ? {} : { description: value.description };
  if (value.kind === 'group') return { ...description, ...group(value.children) };
  const { freeForm: _, ...words } = value.schema;
  return { ...description, type: typeOf(value), ...words };
}

function typeOf({ path, line, defaultValue }: ChartValue): string {
  if (Array.isArray(defaultValue)) return 'array';
  switch (typeof defaultValue) {
    case 'string':
    case 'boolean':
      return typeof defaultValue;
    case 'number':
      return Number.isInteger(defaultValue) ? 'integer' : 'number';
    case 'object':
      if (defaultValue !== null) return 'object';
  }
  throw new Error(`values.yaml:${line} ${path} has no default that tells its type; write "", [], {}, 0 or false`);
}
