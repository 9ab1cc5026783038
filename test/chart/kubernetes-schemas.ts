/** The schemas of Kubernetes' own kinds, of the module that the API server of the tests is built from. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../cluster/command.ts';

type Schema = { readonly [key: string]: unknown };

interface Definition extends Schema {
  readonly 'x-kubernetes-group-version-kind'?: readonly { group: string; version: string; kind: string }[];
}

const MODULE = join(import.meta.dirname, '../cluster/build/kubernetes');
const SWAGGER = 'api/openapi-spec/swagger.json';
const REFERENCE = '#/definitions/';

/** For kubeconform: how the files in `folder` are called. */
export function schemaLocation(folder: string): string {
  return join(folder, '{{ .ResourceKind }}{{ .KindSuffix }}.json');
}

/** Writes a JSON schema for each kind into the folder. Downloads the module, by Go, if it is not there. */
export async function writeSchemas(folder: string): Promise<void> {
  const download = ['go', 'mod', 'download', '-json', 'k8s.io/kubernetes'];
  const { stdout } = await runCommand(download, { folder: MODULE, timeoutMs: 300_000 });
  const { Dir } = JSON.parse(stdout) as { Dir: string };
  const { definitions } = JSON.parse(readFileSync(join(Dir, SWAGGER), 'utf8')) as {
    definitions: Record<string, Definition>;
  };
  for (const [name, definition] of Object.entries(definitions)) {
    for (const { group, version, kind } of definition['x-kubernetes-group-version-kind'] ?? []) {
      const [suffix = ''] = group.split('.');
      const file = [kind.toLowerCase(), ...(suffix ? [suffix] : []), version].join('-');
      writeFileSync(join(folder, `${file}.json`), JSON.stringify(standalone(name, definitions)));
    }
  }
}

/** The definition, strict, with all that it refers to. */
function standalone(name: string, all: Readonly<Record<string, Schema>>): Schema {
  const needed: Record<string, Schema> = {};
  const add = (each: string) => {
    if (needed[each]) return;
    needed[each] = strict(all[each] ?? {}) as Schema;
    for (const [, other = ''] of JSON.stringify(needed[each]).matchAll(/"#\/definitions\/([^"]+)"/g)) add(other);
  };
  add(name);
  return { $ref: `${REFERENCE}${name}`, definitions: needed };
}

/** Knows no field but those that are named. The formats of Kubernetes' own are said in words of JSON schema. */
function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict);
  if (typeof value !== 'object' || value === null) return value;
  const schema = value as Schema;
  if (schema.format === 'int-or-string') return { type: ['integer', 'string'] };
  if (typeof schema.$ref === 'string' && schema.$ref.endsWith('.api.resource.Quantity')) {
    return { type: ['number', 'string'] };
  }
  const kept = Object.fromEntries(Object.entries(schema).map(([key, each]) => [key, strict(each)]));
  const isClosed = typeof schema.properties === 'object' && schema.type === 'object';
  return isClosed && schema.additionalProperties === undefined ? { ...kept, additionalProperties: false } : kept;
}
