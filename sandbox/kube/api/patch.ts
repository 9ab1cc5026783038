import { badRequest, unsupportedMediaType } from './api-error.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { applyJsonPatch } from './json-patch.ts';
import type { Kind } from './kinds.ts';
import { applyMergePatch } from './merge-patch.ts';
import type { PatchSchema } from './patch-schema.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

const FOR_ALL = ['application/json-patch+json', 'application/merge-patch+json'];
const STRATEGIC = 'application/strategic-merge-patch+json';

/**
 * @throws ApiError 415 for anything but the three patch types, the strategic one for custom kinds too. Server-side apply is among the refused: the sandbox keeps
 * no field ownership, and doing as if would report a success that was none.
 */
export function checkPatchType({ custom }: Pick<Kind, 'custom'>, contentType: string | undefined): void {
  const supported = custom ? FOR_ALL : [...FOR_ALL, STRATEGIC];
  if (!supported.includes(mediaTypeOf(contentType))) throw unsupportedMediaType(contentType ?? 'none', supported);
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
