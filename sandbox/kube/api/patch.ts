import { badRequest, unsupportedMediaType } from './api-error.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import type { PatchSchema } from './patch-schema.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

const SUPPORTED = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

/**
 * `current` after the patch that `contentType` names.
 * @throws ApiError 415 for any other type, server-side apply included: the sandbox keeps no field ownership, and doing
 * as if would report a success that was none.
 */
export function applyPatch(current: JsonObject, contentType: string, patch: Json, schema: PatchSchema): JsonObject {
  const type = contentType.split(';')[0]?.trim();
  if (type === 'application/json-patch+json') return applyJsonPatch(current, patch);
  if (!SUPPORTED.includes(type ?? '')) throw unsupportedMediaType(contentType, SUPPORTED);
  if (!isObject(patch)) throw badRequest('the patch must be a JSON object');
  return type === 'application/merge-patch+json'
    ? applyMergePatch(current, patch)
    : applyStrategicMergePatch(current, patch, schema);
}
