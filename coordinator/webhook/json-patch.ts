import type { ObjectMeta } from '../../common/kube/objects.ts';

/** RFC 6902; `add` replaces what is there. */
export interface JsonPatchOperation {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

/** Writes annotations, also where there is none yet. */
export function annotate(
  { annotations }: ObjectMeta,
  wanted: Readonly<Record<string, string>>,
): readonly JsonPatchOperation[] {
  const entries = Object.entries(wanted).filter(([key, value]) => annotations?.[key] !== value);
  if (entries.length === 0) return [];
  if (!annotations) return [{ op: 'add', path: '/metadata/annotations', value: Object.fromEntries(entries) }];
  return entries.map(([key, value]) => ({ op: 'add', path: `/metadata/annotations/${escaped(key)}`, value }));
}

function escaped(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}
