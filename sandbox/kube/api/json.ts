/** JSON as the API server holds it: stored values are never changed in place, every change makes a new object. */

export type Json = null | boolean | number | string | Json[] | JsonObject;

export interface JsonObject {
  [field: string]: Json | undefined;
}

export interface OwnerReferenceJson extends JsonObject {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
}

export interface Metadata extends JsonObject {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: StringMap;
  annotations?: StringMap;
  finalizers?: string[];
  ownerReferences?: OwnerReferenceJson[];
}

export interface StringMap extends JsonObject {
  [key: string]: string;
}

/** Any stored object: what every kind has, the rest as plain JSON. */
export interface ApiObject extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object, or an empty one: for reading below a field that may be missing. */
export function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

export function arrayOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

export function objectsOf(value: Json | undefined): JsonObject[] {
  return arrayOf(value).filter(isObject);
}

export function stringOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

export function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function isStringMap(value: unknown): value is StringMap {
  return isObject(value) && Object.values(value).every(entry => typeof entry === 'string');
}

/** The value at a path of field names, undefined where it breaks off. */
export function valueAt(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((inner, name) => (isObject(inner) ? inner[name] : undefined), value);
}

export function equalJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equalJson(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  return (
    Object.keys(a).every(name => equalJson(a[name], b[name])) &&
    Object.keys(b).every(name => Object.hasOwn(a, name) || b[name] === undefined)
  );
}

/** A deep copy without undefined fields, exactly what a trip over the wire leaves of plain JSON. */
export function copyJson<T>(value: T): T {
  return copyOf(value) as T;
}

function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(item => (item === undefined ? null : copyOf(item)));
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const field = (value as Record<string, unknown>)[name];
    if (field !== undefined) copy[name] = copyOf(field);
  }
  return copy;
}

/** `patch` laid over `object`; fields that are undefined in `patch` are removed. */
export function withFields<T extends JsonObject>(object: T, patch: { readonly [name: string]: Json | undefined }): T {
  const result: JsonObject = { ...object };
  for (const [name, value] of Object.entries(patch)) {
    if (value === undefined) delete result[name];
    else result[name] = value;
  }
  return result as T;
}
