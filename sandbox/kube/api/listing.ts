import { badRequest, expired, tooLargeResourceVersion } from './api-error.ts';
import type { ApiObject, JsonObject } from './json.ts';
import { apiVersionOf, type Kind } from './kinds.ts';
import { matcherOf } from './selectors.ts';
import { compareKeys, keyOf, type Store } from './store.ts';

export type Query = Readonly<Record<string, string>>;

interface ContinueToken {
  /** The revision the first page was read at; -1 goes on with the current state. */
  readonly revision: number;
  /** The key of the last object delivered. */
  readonly after: string;
}

export interface ListResult {
  readonly items: readonly ApiObject[];
  readonly metadata: JsonObject;
}

/**
 * A list, or a page of it: pages of one list show the state at its first page.
 * @throws ApiError 400 for malformed parameters, 410 when the history no longer reaches back, 504 for a version to come.
 */
export function listObjects(store: Store, kind: Kind, namespace: string | undefined, query: Query): ListResult {
  const matches = matcherOf(kind, query.labelSelector, query.fieldSelector);
  const token = query.continue ? decodeContinue(query.continue) : undefined;
  if (token && query.resourceVersion && query.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const revision = token && token.revision > 0 ? token.revision : revisionOf(store, query);
  const all = objectsAt(store, kind, namespace, revision, token).filter(matches);
  const rest = token ? all.filter(object => compareKeys(keyOfObject(object), token.after) > 0) : all;
  return pageOf(rest, limitOf(query), revision, Boolean(query.labelSelector || query.fieldSelector));
}

function pageOf(rest: readonly ApiObject[], limit: number, revision: number, isFiltered: boolean): ListResult {
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const last = items.at(-1);
  const remaining = rest.length - items.length;
  if (remaining === 0 || !last) return { items, metadata: { resourceVersion: String(revision) } };
  return {
    items,
    metadata: {
      resourceVersion: String(revision),
      continue: encodeContinue({ revision, after: keyOfObject(last) }),
      ...(!isFiltered && { remainingItemCount: remaining }),
    },
  };
}

function keyOfObject(object: ApiObject): string {
  return keyOf(object.metadata.namespace, object.metadata.name);
}

function objectsAt(
  store: Store,
  kind: Kind,
  namespace: string | undefined,
  revision: number,
  token: ContinueToken | undefined,
): readonly ApiObject[] {
  if (revision === store.revision) return store.list(kind, namespace);
  const objects = store.listAt(kind, namespace, revision);
  if (objects) return objects;
  if (!token) {
    throw expired(`The resourceVersion for the provided list is too old.`);
  }
  throw expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    encodeContinue({ revision: -1, after: token.after }),
  );
}

/** The revision a list without continue token is read at. */
function revisionOf(store: Store, query: Query): number {
  const asked = query.resourceVersion ? parseResourceVersion(query.resourceVersion) : 0;
  const match = query.resourceVersionMatch;
  if (match !== undefined && match !== 'Exact' && match !== 'NotOlderThan') {
    throw badRequest(`resourceVersionMatch: Unsupported value: "${match}": supported values: "Exact", "NotOlderThan"`);
  }
  if (match && !query.resourceVersion) {
    throw badRequest(
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    );
  }
  if (asked > store.revision) throw tooLargeResourceVersion(asked, store.revision);
  const isExact = match === 'Exact' || (match === undefined && asked > 0 && limitOf(query) > 0);
  return isExact && asked > 0 ? asked : store.revision;
}

/** With resourceVersion 0 the real server answers from its cache, which does not page. */
function limitOf(query: Query): number {
  if (query.limit === undefined || (query.resourceVersion === '0' && !query.continue)) return 0;
  const limit = Number(query.limit);
  if (!Number.isInteger(limit) || limit < 0)
    throw badRequest(`limit must be a number of 0 or more, got "${query.limit}"`);
  return limit;
}

export function parseResourceVersion(text: string): number {
  if (!/^\d+$/.test(text)) throw badRequest(`resourceVersion: Invalid value: "${text}": must be a number`);
  return Number(text);
}

function encodeContinue(token: ContinueToken): string {
  const { revision: rv, after } = token;
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, after })).toString('base64url');
}

function decodeContinue(text: string): ContinueToken {
  try {
    const { rv, after } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as { rv: number; after: string };
    if (typeof rv === 'number' && typeof after === 'string') return { revision: rv, after };
  } catch {
    // Answered below, with the same sentence as a token of the wrong shape.
  }
  throw badRequest('continue key is not valid');
}

export function listBody(kind: Kind, result: ListResult): JsonObject {
  return {
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOf(kind),
    metadata: result.metadata,
    items: result.items.map(item => listed(kind, item)),
  };
}

function listed(kind: Kind, object: ApiObject): JsonObject {
  const { kind: _kind, apiVersion: _version, ...item } = object;
  return kind.custom ? object : item;
}
