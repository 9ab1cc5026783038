import type { KubeList, KubeObject } from './objects.ts';
import { type KubeRequest, KubeResponseError, type KubeTransport } from './transport.ts';

/*
 * One typed function per verb. Each rejects with KubeResponseError for every status outside 200 to 299, with
 * KubeConnectionError when no answer came (a write may have happened), and with the signal's reason on abort. The caller's
 * signal carries the deadline.
 */

/** Reads an object, consistently (no cached `resourceVersion`). */
export function get<T extends KubeObject>(transport: KubeTransport, path: string, signal: AbortSignal): Promise<T> {
  return send<T>(transport, { method: 'GET', path }, signal);
}

/** Objects per page of a list. */
const PAGE_SIZE = 500;

/** One page of a consistent list; `continueToken` is that of the page before. Code 410 says that the token expired. */
export function listPage<T extends KubeObject>(
  transport: KubeTransport,
  list: {
    readonly path: string;
    readonly query?: Readonly<Record<string, string>> | undefined;
    readonly continueToken?: string | undefined;
  },
  signal: AbortSignal,
): Promise<KubeList<T>> {
  const paging = { limit: `${PAGE_SIZE}`, ...(list.continueToken && { continue: list.continueToken }) };
  return send(transport, { method: 'GET', path: list.path, query: { ...list.query, ...paging } }, signal);
}

/** A consistent list of everything that the selectors in `query` match, as of `resourceVersion`. */
export async function list<T extends KubeObject>(
  transport: KubeTransport,
  path: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }> {
  const items: T[] = [];
  let page = await listPage<T>(transport, { path, query }, signal);
  items.push(...page.items);
  while (page.metadata.continue) {
    signal.throwIfAborted();
    page = await listPage<T>(transport, { path, query, continueToken: page.metadata.continue }, signal);
    items.push(...page.items);
  }
  return { items, resourceVersion: page.metadata.resourceVersion };
}

/** @returns the object as stored. `path` is that of the collection. */
export function create<T extends KubeObject>(
  transport: KubeTransport,
  path: string,
  object: T,
  signal: AbortSignal,
): Promise<T> {
  return send<T>(transport, { method: 'POST', path, body: object }, signal);
}

/** Replaces an object; with `metadata.resourceVersion` set, only that version of it (else code 409). */
export function replace<T extends KubeObject>(
  transport: KubeTransport,
  path: string,
  object: T,
  signal: AbortSignal,
): Promise<T> {
  return send<T>(transport, { method: 'PUT', path, body: object }, signal);
}

const PATCH_CONTENT_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

export interface Patch {
  readonly type: keyof typeof PATCH_CONTENT_TYPES;
  readonly body: unknown;
}

/** @returns the object as stored. A body with `metadata.uid` or `metadata.resourceVersion` holds for that object alone (else code 409). */
export function patch<T extends KubeObject>(
  transport: KubeTransport,
  path: string,
  { type, body }: Patch,
  signal: AbortSignal,
): Promise<T> {
  return send<T>(transport, { method: 'PATCH', path, contentType: PATCH_CONTENT_TYPES[type], body }, signal);
}

export interface RemoveOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly gracePeriodSeconds?: number;
  /** Background where left out: what it owns goes later. */
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
}

/** Deletes an object; it may live on for its grace period and its finalizers. */
export async function remove(
  transport: KubeTransport,
  path: string,
  options: RemoveOptions,
  signal: AbortSignal,
): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...options };
  await send(transport, { method: 'DELETE', path, body }, signal);
}

async function send<T>(transport: KubeTransport, request: KubeRequest, signal: AbortSignal): Promise<T> {
  const response = await transport.request(request, signal);
  if (response.status < 200 || response.status > 299) throw new KubeResponseError(request, response);
  return response.body as T;
}
