import type { JsonPatchOperation } from './json-patch.ts';

/** For tests: applies `add` as RFC 6902 has it, on a copy; a path that leads nowhere is an error. */
export function patched<T>(document: T, patch: readonly JsonPatchOperation[]): T {
  const copy = structuredClone(document);
  for (const operation of patch) add(copy, operation);
  return copy;
}

function add(document: unknown, { path, value }: JsonPatchOperation): void {
  const segments = path.slice(1).split('/').map(unescaped);
  const last = segments.pop() ?? '';
  const parent = segments.reduce(
    (at: unknown, segment) => (at as Record<string, unknown> | undefined)?.[segment],
    document,
  );
  if (typeof parent !== 'object' || parent === null) throw new Error(`nothing is at the parent of ${path}`);
  if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, structuredClone(value));
  else (parent as Record<string, unknown>)[last] = structuredClone(value);
}

function unescaped(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
