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
 * @throws ApiError 415 for anything but the three patch types. Server-side apply is among the refused: the sandbox keeps
 * no field ownership, and doing as if would report a success that was none.
 */
export function checkPatchType(contentType: string | undefined): void {
  if (!SUPPORTED.includes(mediaTypeOf(contentType))) throw unsupportedMediaType(contentType ?? 'none', SUPPORTED);
}

function mediaTypeOf(contentType: string | undefined): string {
  return contentType?.split(';')[0]?.trim() ?? '';
}

/** `current` after the patch, read as `contentType` says; `checkPatchType` has let it through. */
export function applyPatch(
  current: JsonObject,
  contentType: string | undefined,
  patch: Json,
  schema: PatchSchema,
): JsonObject {
  const type = mediaTypeOf(contentType);
  if (type === 'application/json-patch+json') return applyJsonPatch(current, patch);
  if (!isObject(patch)) throw badRequest('the patch must be a JSON object');
  return type === 'application/merge-patch+json'
    ? applyMergePatch(current, patch)
    : applyStrategicMergePatch(current, patch, schema);
}
