import { badRequest } from './api-error.ts';
import { type ApiObject, isObject, isStringMap, type Json, type JsonObject, type Metadata } from './json.ts';
import { apiVersionOf, type Kind } from './kinds.ts';

/**
 * A request's body as an object of `kind`: type fields filled in, nulls dropped (Go reads them as absent), bookkeeping
 * that clients echo left out.
 * @throws ApiError 400 when it is something else, or labels and annotations are not strings.
 */
export function decoded(kind: Kind, body: unknown): ApiObject {
  if (!isObject(body)) throw badRequest(`the body of the request must be a JSON object of kind ${kind.kind}`);
  const apiVersion = apiVersionOf(kind);
  if (body.kind !== undefined && body.kind !== kind.kind) {
    throw badRequest(`the object provided is a ${String(body.kind)}, this resource holds objects of kind ${kind.kind}`);
  }
  if (body.apiVersion !== undefined && body.apiVersion !== apiVersion) {
    const got = String(body.apiVersion);
    throw badRequest(`the API version in the data (${got}) does not match the expected API version (${apiVersion})`);
  }
  const clean = withoutNulls(body);
  return { ...clean, apiVersion, kind: kind.kind, metadata: decodedMetadata(kind, clean.metadata) };
}

function decodedMetadata(kind: Kind, value: Json | undefined): Metadata {
  if (value !== undefined && !isObject(value)) throw badRequest('metadata must be an object');
  const { managedFields: _managed, selfLink: _link, ...metadata } = value ?? {};
  for (const field of ['labels', 'annotations']) {
    const map = metadata[field];
    if (map !== undefined && !isStringMap(map)) throw notStrings(kind, field, map);
  }
  for (const field of ['name', 'generateName', 'namespace']) {
    if (metadata[field] !== undefined && typeof metadata[field] !== 'string') {
      throw cannotHandle(kind, typeof metadata[field], `ObjectMeta.metadata.${field}`);
    }
  }
  return { ...metadata, name: typeof metadata.name === 'string' ? metadata.name : '' };
}

function notStrings(kind: Kind, field: string, map: Json): Error {
  const wrong = isObject(map) ? Object.values(map).find(value => typeof value !== 'string') : map;
  return cannotHandle(kind, goNameOf(wrong), `ObjectMeta.metadata.${field}`);
}

function cannotHandle(kind: Kind, got: string, field: string): Error {
  const handled = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`;
  return badRequest(`${handled}: json: cannot unmarshal ${got} into Go struct field ${field} of type string`);
}

function goNameOf(value: Json | undefined): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function withoutNulls(object: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const name of Object.keys(object)) {
    const value = object[name];
    if (value !== null && value !== undefined) kept[name] = cleaned(value);
  }
  return kept;
}

function cleaned(value: Json): Json {
  if (Array.isArray(value)) return value.map(cleaned);
  return isObject(value) ? withoutNulls(value) : value;
}
