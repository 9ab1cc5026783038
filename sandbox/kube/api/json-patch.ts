import { badRequest, unprocessable } from './api-error.ts';
import { copyJson, equalJson, isObject, type Json, type JsonObject, objectsOf } from './json.ts';

/** RFC 6902 over a copy of `document`. @throws ApiError 400 for a malformed patch, 422 for one that does not apply. */
export function applyJsonPatch(document: JsonObject, patch: Json | undefined): JsonObject {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch must be an array of operations');
  let result: Json = copyJson(document);
  for (const operation of objectsOf(patch)) result = applyOperation(result, operation);
  if (!isObject(result)) throw unprocessable('the patched document is not an object');
  return result;
}

function applyOperation(document: Json, operation: JsonObject): Json {
  const path = pointerOf(operation.path);
  switch (operation.op) {
    case 'add':
      return add(document, path, operandOf(operation));
    case 'remove':
      return remove(document, path);
    case 'replace':
      read(document, path);
      return path.length === 0 ? operandOf(operation) : replace(document, path, operandOf(operation));
    case 'move': {
      const from = pointerOf(operation.from);
      const moved = read(document, from);
      return add(remove(document, from), path, moved);
    }
    case 'copy':
      return add(document, path, copyJson(read(document, pointerOf(operation.from))));
    case 'test':
      if (equalJson(readOrNull(document, path), operandOf(operation))) return document;
      throw unprocessable();
    default:
      throw badRequest(`Unexpected kind: ${String(operation.op)}`);
  }
}

function pointerOf(pointer: Json | undefined): string[] {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/'))) {
    throw badRequest(`"${String(pointer)}" is not a JSON pointer`);
  }
  const segments = pointer.split('/').slice(1);
  return segments.map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function operandOf(operation: JsonObject): Json {
  if (operation.value === undefined) throw badRequest(`operation ${String(operation.op)} needs a value`);
  return operation.value;
}

function read(document: Json, path: readonly string[]): Json {
  let current: Json | undefined = document;
  for (const segment of path) {
    if (Array.isArray(current)) current = current[indexOf(segment, current.length - 1)];
    else current = isObject(current) && Object.hasOwn(current, segment) ? current[segment] : undefined;
    if (current === undefined) throw missing(path);
  }
  return current;
}

/** A test compares a missing member as null, as the server's library does. */
function readOrNull(document: Json, path: readonly string[]): Json {
  try {
    return read(document, path);
  } catch {
    return null;
  }
}

function add(document: Json, path: readonly string[], value: Json): Json {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : indexOf(last, parent.length), 0, value);
  else if (isObject(parent)) parent[last] = value;
  else throw missing(path);
  return document;
}

function replace(document: Json, path: readonly string[], value: Json): Json {
  const parent = read(document, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (Array.isArray(parent)) parent[indexOf(last, parent.length - 1)] = value;
  else if (isObject(parent)) parent[last] = value;
  return document;
}

function remove(document: Json, path: readonly string[]): Json {
  read(document, path);
  const parent = read(document, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (Array.isArray(parent)) parent.splice(indexOf(last, parent.length - 1), 1);
  else if (isObject(parent)) delete parent[last];
  return document;
}

function indexOf(segment: string, max: number): number {
  if (!/^(0|[1-9]\d*)$/.test(segment) || Number(segment) > max) throw unprocessable(`invalid array index "${segment}"`);
  return Number(segment);
}

function missing(path: readonly string[]): Error {
  return unprocessable(`doc is missing path: "/${path.join('/')}": missing value`);
}
