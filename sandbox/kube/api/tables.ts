import { type ApiObject, isObject, type Json, type JsonObject, objectsOf } from './json.ts';
import { apiVersionOf, type Kind } from './kinds.ts';
import type { Query } from './listing.ts';
import { columnsOf } from './table-columns.ts';
import type { TimedEvent } from './watching.ts';

export interface TableOptions {
  readonly kind: Kind;
  readonly query: Query;
  /** Ages are counted to this moment, in milliseconds since the Unix epoch. */
  readonly wallNow: () => number;
}

/** Whether the Accept header's first choice is a Table of version v1. */
export function isTableWanted(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some(choice => {
    const parameters = choice.split(';').map(part => part.trim());
    return parameters.includes('as=Table') && parameters.includes('v=v1') && parameters.includes('g=meta.k8s.io');
  });
}

/** An object or list as `kubectl get` prints it. */
export function tableOf(body: JsonObject, options: TableOptions): JsonObject {
  const items = Array.isArray(body.items) ? objectsOf(body.items) : [body];
  const metadata = isObject(body.metadata) ? body.metadata : {};
  const { resourceVersion, continue: token, remainingItemCount } = metadata;
  return {
    ...table({ resourceVersion, continue: token, remainingItemCount }, items as ApiObject[], options),
    columnDefinitions: columnDefinitions(options.kind),
  };
}

function table(metadata: JsonObject, items: readonly ApiObject[], options: TableOptions): JsonObject {
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, rows: items.map(item => rowOf(item, options)) };
}

function columnDefinitions(kind: Kind): JsonObject[] {
  return columnsOf(kind).map(({ name, type, wide, format }) => ({
    name,
    type: type ?? 'string',
    format: format ?? '',
    description: '',
    priority: wide ? 1 : 0,
  }));
}

function rowOf(item: ApiObject, { kind, query, wallNow }: TableOptions): JsonObject {
  const now = wallNow();
  const cells: Json[] = columnsOf(kind).map(column => column.cell(item, now));
  const typed: JsonObject = { ...item, kind: kind.kind, apiVersion: apiVersionOf(kind) };
  switch (query.includeObject) {
    case 'None':
      return { cells };
    case 'Object':
      return { cells, object: typed };
    default: {
      const object = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: item.metadata };
      return { cells, object };
    }
  }
}

/** Watch events whose objects are Tables of one row; only the first names the columns. */
export async function* tableEvents(
  events: AsyncIterable<TimedEvent>,
  options: TableOptions,
): AsyncGenerator<TimedEvent> {
  let isFirst = true;
  for await (const event of events) {
    if (event.type === 'ERROR') {
      yield event;
      continue;
    }
    const object = event.object as ApiObject;
    const { resourceVersion } = object.metadata;
    const rows = event.type === 'BOOKMARK' ? [] : [object];
    const shown = table(resourceVersion === undefined ? {} : { resourceVersion }, rows, options);
    yield { ...event, object: { ...shown, columnDefinitions: isFirst ? columnDefinitions(options.kind) : null } };
    isFirst = false;
  }
}
