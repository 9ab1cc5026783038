import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml';

/** One value of the chart, as values.yaml has it. */
export interface ChartValue {
  /** As `--set` takes it: `coordinator.replicas`. */
  readonly path: string;
  readonly line: number;
  /** The comment above it, without the lines for the schema; empty for none. */
  readonly description: string;
  /** What the comment says for the schema, beside what the default says. */
  readonly schema: ValueSchema;
  /** A group has values below it; a free form is an object of the user's. */
  readonly kind: 'group' | 'value';
  readonly defaultValue: unknown;
  /** Of a group, in the file's order. */
  readonly children: readonly ChartValue[];
}

/** Words of JSON Schema, and `freeForm` for an object whose keys are the user's. */
export interface ValueSchema {
  readonly freeForm?: boolean;
  readonly [word: string]: unknown;
}

const SCHEMA_LINE = /^@schema (.*)$/;

/** The values in the file's order. @throws Error that names the line of what cannot be read. */
export function chartValues(text: string): readonly ChartValue[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error) throw new Error(`values.yaml: ${error.message}`);
  const { contents } = document;
  if (!isMap(contents)) throw new Error('values.yaml is no map');
  // What stands at the file's top, an empty line below it, is about the file.
  return valuesOf(contents, '', { lines, firstComment: contents.commentBefore ?? '' });
}

interface Reading {
  readonly lines: LineCounter;
  /** The parser gives the comment above a map's first key to the map. */
  readonly firstComment: string;
}

function valuesOf(map: YAMLMap, prefix: string, { lines, firstComment }: Reading): ChartValue[] {
  return (map.items as Pair[]).map((pair, index) => {
    const key = isScalar(pair.key) ? pair.key : undefined;
    const path = `${prefix}${key?.value}`;
    const own = key?.commentBefore ?? '';
    const comment = index === 0 && own === '' ? firstComment : own;
    const line = lines.linePos(key?.range?.[0] ?? 0).line;
    return chartValue(pair, { path, line, comment, lines });
  });
}

function chartValue(
  { value }: Pair,
  { path, line, comment, lines }: { path: string; line: number; comment: string; lines: LineCounter },
): ChartValue {
  const { description, schema } = readComment(comment, line);
  const isGroup = isMap(value) && schema.freeForm !== true;
  const children = isGroup ? valuesOf(value, `${path}.`, { lines, firstComment: value.commentBefore ?? '' }) : [];
  const defaultValue = isMap(value) || isSeq(value) || isScalar(value) ? value.toJSON() : null;
  return { path, line, description, schema, kind: isGroup ? 'group' : 'value', defaultValue, children };
}

function readComment(comment: string, line: number): Pick<ChartValue, 'description' | 'schema'> {
  const lines = comment
    .split('\n\n')
    .at(-1)
    ?.split('\n')
    .map(text => text.trim());
  const description = (lines ?? []).filter(text => !SCHEMA_LINE.test(text)).join(' ');
  const schemas = (lines ?? []).flatMap(text => SCHEMA_LINE.exec(text)?.[1] ?? []);
  try {
    return { description: description.trim(), schema: Object.assign({}, ...schemas.map(text => JSON.parse(text))) };
  } catch (cause) {
    throw new Error(`values.yaml:${line} has an @schema that is no JSON: ${(cause as Error).message}`, { cause });
  }
}
