import type { KubeResponse } from '../../../common/kube/transport.ts';
import type { JsonObject } from './json.ts';
import type { Kind } from './kinds.ts';

/** A refusal as the API server words it: HTTP status and `Status` body. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;
  /** Only list errors carry one: the token with which a list can go on, inconsistently. */
  readonly continueToken: string | undefined;

  constructor(status: number, reason: string, message: string, details?: JsonObject, continueToken?: string) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.details = details;
    this.continueToken = continueToken;
  }

  body(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.continueToken ? { continue: this.continueToken } : {},
      status: 'Failure',
      message: this.message,
      ...(this.reason && { reason: this.reason }),
      ...(this.details && { details: this.details }),
      code: this.status,
    };
  }

  response(): KubeResponse {
    return { status: this.status, body: this.body() };
  }
}

/** One field that validation refuses. */
export interface FieldError {
  readonly field: string;
  /** As the real server begins the sentence: `Required value`, `Invalid value: 70000`, `Forbidden`. */
  readonly problem: string;
  readonly detail?: string;
}

function qualifiedResource(kind: Kind): string {
  return kind.group ? `${kind.resource}.${kind.group}` : kind.resource;
}

function detailsOf(kind: Kind, name: string): JsonObject {
  return { name, ...(kind.group && { group: kind.group }), kind: kind.resource };
}

export function notFound(kind: Kind, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualifiedResource(kind)} "${name}" not found`, detailsOf(kind, name));
}

export function unknownResource(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(kind: Kind, name: string): ApiError {
  const message = `${qualifiedResource(kind)} "${name}" already exists`;
  return new ApiError(409, 'AlreadyExists', message, detailsOf(kind, name));
}

export function conflict(kind: Kind, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualifiedResource(kind)} "${name}": ${why}`;
  return new ApiError(409, 'Conflict', message, detailsOf(kind, name));
}

/** Of preconditions; here the real server names the kind where it else names the resource. */
export function deletionConflict(kind: Kind, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualifiedKind(kind)} "${name}": ${why}`;
  return new ApiError(409, 'Conflict', message, { ...detailsOf(kind, name), kind: kind.kind });
}

export function modifiedConflict(kind: Kind, name: string): ApiError {
  return conflict(
    kind,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

function qualifiedKind({ kind, group }: Kind): string {
  return group ? `${kind}.${group}` : kind;
}

export function invalid(kind: Kind, name: string, errors: readonly FieldError[]): ApiError {
  const lines = errors.map(error => `${error.field}: ${describe(error)}`);
  const list = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  return new ApiError(422, 'Invalid', `${qualifiedKind(kind)} "${name}" is invalid: ${list}`, {
    name,
    ...(kind.group && { group: kind.group }),
    kind: kind.kind,
    causes: errors.map(error => ({ reason: reasonOf(error), message: describe(error), field: error.field })),
  });
}

function describe(error: FieldError): string {
  return error.detail ? `${error.problem}: ${error.detail}` : error.problem;
}

function reasonOf(error: FieldError): string {
  if (error.problem.startsWith('Required')) return 'FieldValueRequired';
  if (error.problem.startsWith('Forbidden')) return 'FieldValueForbidden';
  return error.problem.startsWith('Unsupported') ? 'FieldValueNotSupported' : 'FieldValueInvalid';
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

export function unauthorized(): ApiError {
  return new ApiError(401, 'Unauthorized', 'Unauthorized');
}

export function forbidden(kind: Kind, name: string, why: string): ApiError {
  const object = name ? ` "${name}"` : '';
  return new ApiError(
    403,
    'Forbidden',
    `${qualifiedResource(kind)}${object} is forbidden: ${why}`,
    detailsOf(kind, name),
  );
}

export function methodNotAllowed(): ApiError {
  return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function unsupportedMediaType(contentType: string, supported: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`;
  return new ApiError(415, 'UnsupportedMediaType', `${message} (got ${contentType})`);
}

/** What the real server has and the sandbox has not: said plainly instead of answered wrongly. */
export function notImplemented(what: string): ApiError {
  return new ApiError(501, 'NotImplemented', `the sandbox's API server does not implement ${what}`);
}

export function internalError(message: string): ApiError {
  return new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

export function expired(message: string, continueToken?: string): ApiError {
  return new ApiError(410, 'Expired', message, undefined, continueToken);
}

export function tooLargeResourceVersion(asked: number, current: number): ApiError {
  return new ApiError(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** 422 without naming fields, as for patches that cannot be applied. */
export function unprocessable(message?: string): ApiError {
  const why = message === undefined ? '' : `: ${message}`;
  return new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request${why}`, {});
}
