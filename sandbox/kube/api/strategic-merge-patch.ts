import { ApiError, badRequest } from './api-error.ts';
import { arrayOf, equalJson, isObject, type Json, type JsonObject, objectsOf } from './json.ts';
import type { PatchSchema } from './patch-schema.ts';

const ORDER = '$setElementOrder/';
const REMOVALS = '$deleteFromPrimitiveList/';
const REPLACEMENT: PatchSchema = {};

/**
 * Kubernetes' strategic merge patch with its directives `$patch`, `$retainKeys`, `$setElementOrder/…` and
 * `$deleteFromPrimitiveList/…`.
 * @throws ApiError 400 for a malformed directive, 500 for a list item without its merge key, as the real server does.
 */
export function applyStrategicMergePatch(target: JsonObject, patch: JsonObject, schema: PatchSchema): JsonObject {
  if (patch.$patch === 'replace') return cleaned(patch);
  if (patch.$patch === 'delete') return {};
  if (patch.$patch !== undefined && patch.$patch !== 'merge') throw unknownDirective(patch.$patch);
  const result = retainKeys(target, patch.$retainKeys);
  for (const [name, value] of Object.entries(patch)) {
    if (!name.startsWith('$')) setField(result, name, value, schema.fields?.[name] ?? REPLACEMENT);
  }
  applyListDirectives(result, patch, schema);
  return result;
}

function retainKeys(target: JsonObject, keys: Json | undefined): JsonObject {
  if (keys === undefined) return { ...target };
  if (!Array.isArray(keys)) throw badRequest('invalid patch format of retainKeys');
  return Object.fromEntries(Object.entries(target).filter(([name]) => keys.includes(name)));
}

function setField(result: JsonObject, name: string, value: Json | undefined, schema: PatchSchema): void {
  if (value === null) delete result[name];
  else if (isObject(value)) {
    const inner = result[name];
    result[name] = applyStrategicMergePatch(isObject(inner) ? inner : {}, value, schema);
  } else if (Array.isArray(value)) result[name] = mergeList(arrayOf(result[name]), value, schema);
  else result[name] = value;
}

function mergeList(current: readonly Json[], patch: readonly Json[], schema: PatchSchema): Json[] {
  if (schema.union) return [...current, ...patch.filter(value => !current.includes(value))];
  if (!schema.mergeKey) return patch.map(item => (isObject(item) ? cleaned(item) : item));
  const items = objectsOf([...patch]);
  if (items.some(item => item.$patch === 'replace')) {
    return items.filter(item => item.$patch !== 'replace').map(cleaned);
  }
  return items.reduce<Json[]>((list, item) => mergeItem(list, item, schema), [...current]);
}

function mergeItem(list: readonly Json[], patch: JsonObject, schema: PatchSchema): Json[] {
  const mergeKey = schema.mergeKey ?? '';
  const identity = patch[mergeKey];
  if (identity === undefined) {
    throw new ApiError(500, '', `map: ${JSON.stringify(patch)} does not contain declared merge key: ${mergeKey}`);
  }
  const isTarget = (item: Json) => isObject(item) && equalJson(item[mergeKey], identity);
  if (patch.$patch === 'delete') return list.filter(item => !isTarget(item));
  const index = list.findIndex(isTarget);
  const target = list[index];
  const merged = applyStrategicMergePatch(isObject(target) ? target : {}, patch, { fields: schema.fields ?? {} });
  return index === -1 ? [...list, merged] : list.with(index, merged);
}

function applyListDirectives(result: JsonObject, patch: JsonObject, schema: PatchSchema): void {
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(REMOVALS)) {
      const field = name.slice(REMOVALS.length);
      if (result[field] !== undefined)
        result[field] = arrayOf(result[field]).filter(item => !arrayOf(value).includes(item));
    } else if (name.startsWith(ORDER)) {
      const field = name.slice(ORDER.length);
      if (result[field] !== undefined) {
        result[field] = ordered(arrayOf(result[field]), arrayOf(value), schema.fields?.[field]?.mergeKey);
      }
    } else if (name.startsWith('$') && name !== '$patch' && name !== '$retainKeys') throw unknownDirective(name);
  }
}

/** Items named by `order` come in that order; the others keep their place relative to what followed them. */
function ordered(list: readonly Json[], order: readonly Json[], mergeKey: string | undefined): Json[] {
  const identity = (item: Json) => (mergeKey && isObject(item) ? (item[mergeKey] ?? null) : item);
  const rank = (item: Json) => order.findIndex(entry => equalJson(identity(entry), identity(item)));
  const named = list.filter(item => rank(item) !== -1).sort((a, b) => rank(a) - rank(b));
  const others = list.filter(item => rank(item) === -1);
  const result: Json[] = [];
  while (named.length > 0 && others.length > 0) {
    const [nextNamed, nextOther] = [named[0] as Json, others[0] as Json];
    const source = list.indexOf(nextOther) < list.indexOf(nextNamed) ? others : named;
    result.push(source.shift() as Json);
  }
  return [...result, ...named, ...others];
}

/** What a patch adds must not carry directives or nulls into the stored object. */
function cleaned(patch: JsonObject): JsonObject {
  const entries = Object.entries(patch).filter(([name, value]) => !name.startsWith('$') && value !== null);
  return Object.fromEntries(entries.map(([name, value]) => [name, isObject(value) ? cleaned(value) : value]));
}

function unknownDirective(directive: Json): ApiError {
  return badRequest(`unable to apply patch: unknown directive ${String(directive)}`);
}
