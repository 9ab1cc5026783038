import type { KubeObject } from '../../../common/kube/objects.ts';
import type { KubeResponse, WatchEvent } from '../../../common/kube/transport.ts';
import { ask, type Side, succeed } from '../side.ts';

/** One line of the table: what two servers are asked for, whose answers have to agree. */
export interface ComparedRequest {
  readonly name: string;
  /** Sends it, after what it needs to stand on; the answer to the named one. */
  send(side: Side): Promise<KubeResponse>;
}

export type Query = Readonly<Record<string, string>>;

const contentTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export type PatchType = keyof typeof contentTypes;

/** What kubectl asks for where it prints. */
export const tableOnly = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export function create(side: Side, path: string, body: object, query: Query = {}): Promise<KubeResponse> {
  return ask(side, 'POST', path, { body, query });
}

export function get(side: Side, path: string, query: Query = {}): Promise<KubeResponse> {
  return ask(side, 'GET', path, { query });
}

export function put(side: Side, path: string, body: object, query: Query = {}): Promise<KubeResponse> {
  return ask(side, 'PUT', path, { body, query });
}

export function patch(
  side: Side,
  path: string,
  type: PatchType,
  body: unknown,
  query: Query = {},
): Promise<KubeResponse> {
  return ask(side, 'PATCH', path, { body, contentType: contentTypes[type], query });
}

export function remove(side: Side, path: string, body?: object, query: Query = {}): Promise<KubeResponse> {
  return ask(side, 'DELETE', path, body ? { body, query } : { query });
}

/** @throws Error unless it was created. */
export function made(side: Side, path: string, body: object): Promise<KubeObject> {
  return succeed(create(side, path, body));
}

/** The version that a list has; watches begin there. */
export async function versionOf(side: Side, path: string, query: Query = {}): Promise<string> {
  const { metadata } = await succeed(get(side, path, query));
  return metadata.resourceVersion ?? '';
}

/** The events of a watch as if they were an answer. */
export function asAnswer(events: readonly WatchEvent[]): KubeResponse {
  return { status: 200, body: events };
}

/** Kubelets and controllers write the status whenever they come to it. */
export function withoutStatus({ status, body }: KubeResponse): KubeResponse {
  const { status: _, ...rest } = body as Record<string, unknown>;
  return { status, body: rest };
}
