import { badRequest, notImplemented } from './api-error.ts';
import { isObject, type JsonObject, numberOf, objectOf } from './json.ts';
import type { Query } from './listing.ts';
import type { DeleteOptions } from './registry.ts';

export interface ParsedDeletion extends DeleteOptions {
  /** Dependents lose their owner reference instead of following. */
  readonly orphan: boolean;
}

/** Body (`DeleteOptions`) before query. @throws ApiError 400 for a malformed one, 501 for what the sandbox leaves out. */
export function deletionOf(query: Query, body: unknown): ParsedDeletion {
  const options: JsonObject = isObject(body) ? body : {};
  const policy = options.propagationPolicy ?? query.propagationPolicy ?? 'Background';
  if (policy === 'Foreground') throw notImplemented('foreground cascading deletion');
  if (policy !== 'Background' && policy !== 'Orphan') throw badRequest(`invalid propagationPolicy "${String(policy)}"`);
  if (options.dryRun !== undefined || query.dryRun !== undefined) throw notImplemented('dry runs');
  const grace = options.gracePeriodSeconds ?? query.gracePeriodSeconds;
  const gracePeriodSeconds = typeof grace === 'string' ? Number(grace) : numberOf(grace);
  if (grace !== undefined && grace !== null && !Number.isInteger(gracePeriodSeconds)) {
    throw badRequest(`invalid gracePeriodSeconds "${String(grace)}"`);
  }
  const { uid, resourceVersion } = objectOf(options.preconditions);
  return {
    orphan: policy === 'Orphan' || options.orphanDependents === true,
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    preconditions: {
      ...(typeof uid === 'string' && { uid }),
      ...(typeof resourceVersion === 'string' && { resourceVersion }),
    },
  };
}
