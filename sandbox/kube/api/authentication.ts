import { badRequest, deletionConflict, notFound } from './api-error.ts';
import { arrayOf, type JsonObject, numberOf, objectOf, stringOf } from './json.ts';
import { POD, SERVICE_ACCOUNT } from './kinds.ts';
import type { Registry } from './registry.ts';
import { timestampOf } from './timestamp.ts';
import { API_AUDIENCE, type TokenRequest, type TokenTable } from './tokens.ts';

const EXPIRATION_SECONDS_MIN = 600;

/** Answers POST tokenreviews: the request with its status. @throws ApiError 400 without a token */
export function reviewToken(tokens: TokenTable, body: JsonObject): JsonObject {
  const spec = objectOf(body.spec);
  if (!stringOf(spec.token)) throw badRequest('token is required for TokenReview in authentication');
  const asked = arrayOf(spec.audiences).map(audience => stringOf(audience));
  const verdict = tokens.review(stringOf(spec.token), asked.length > 0 ? asked : [API_AUDIENCE]);
  const status: JsonObject = verdict.authenticated
    ? {
        authenticated: true,
        user: JSON.parse(JSON.stringify(verdict.user)) as JsonObject,
        audiences: [...verdict.audiences],
      }
    : { user: {}, error: verdict.why };
  return {
    kind: 'TokenReview',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: {},
    spec,
    status,
  };
}

/**
 * Answers POST serviceaccounts/NAME/token.
 * @throws ApiError 400 for a lifetime under 600 s or an unknown bound object, 404 and 409 when what it names is not there.
 */
export function requestToken(
  options: { readonly registry: Registry; readonly tokens: TokenTable },
  namespace: string,
  name: string,
  body: JsonObject,
): JsonObject {
  const spec = objectOf(body.spec);
  const expirationSeconds = numberOf(spec.expirationSeconds) ?? 3600;
  if (expirationSeconds < EXPIRATION_SECONDS_MIN) {
    throw badRequest(`may not specify a duration less than ${EXPIRATION_SECONDS_MIN / 60} minutes`);
  }
  const audiences = arrayOf(spec.audiences).map(audience => stringOf(audience));
  const pod = spec.boundObjectRef && boundPod(options.registry, namespace, objectOf(spec.boundObjectRef));
  const issued = options.tokens.issue({
    namespace,
    serviceAccount: name,
    audiences,
    expirationSeconds,
    ...(pod && { pod }),
  });
  if (!issued) throw notFound(SERVICE_ACCOUNT, name);
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace },
    spec: { ...spec, audiences: audiences.length > 0 ? audiences : [API_AUDIENCE], expirationSeconds },
    status: { token: issued.token, expirationTimestamp: timestampOf(issued.expiresAtMs) },
  };
}

function boundPod(registry: Registry, namespace: string, reference: JsonObject): NonNullable<TokenRequest['pod']> {
  if (reference.kind !== 'Pod')
    throw badRequest(
      `cannot bind token for serviceaccount to object type ${String(reference.kind)}: the sandbox binds to Pods only`,
    );
  const pod = registry.get(POD, namespace, stringOf(reference.name));
  const { name, uid = '' } = pod.metadata;
  if (reference.uid !== undefined && reference.uid !== uid) {
    throw deletionConflict(
      POD,
      name,
      `the UID in the bound object reference (${String(reference.uid)}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  return { name, uid };
}
