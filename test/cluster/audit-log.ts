import type { Deed } from '../chart/rights.ts';

/** A request of a ServiceAccount, as the API server's audit log has it. */
export interface AuditedRequest {
  /** Wall milliseconds at which it came. */
  readonly atMs: number;
  /** Without its namespace. */
  readonly serviceAccount: string;
  readonly deed: Deed;
  /** Of HTTP. */
  readonly status: number;
}

interface AuditEvent {
  readonly requestReceivedTimestamp: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  /** Absent for paths that name no resource, such as `/version`. */
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number };
}

/** Requests for resources, in the log's order; a watch stands in it twice, at its begin and at its end. */
export function parseAuditLog(text: string): AuditedRequest[] {
  const lines = text.split('\n').filter(line => line !== '');
  return lines.map(line => JSON.parse(line) as AuditEvent).flatMap(auditedRequest);
}

function auditedRequest(event: AuditEvent): AuditedRequest[] {
  const { verb, user, objectRef, responseStatus, requestReceivedTimestamp } = event;
  const serviceAccount = /^system:serviceaccount:[^:]+:(.+)$/.exec(user.username)?.[1];
  if (serviceAccount === undefined || objectRef === undefined) return [];
  const { apiGroup = '', resource, subresource, namespace = '', name = '' } = objectRef;
  const deed: Deed = {
    verb,
    group: apiGroup,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    // The namespace that a Namespace object stands for is its own name.
    namespace: resource === 'namespaces' ? '' : namespace,
    // RBAC is asked before the body is read.
    name: verb === 'create' ? '' : name,
  };
  return [{ atMs: Date.parse(requestReceivedTimestamp), serviceAccount, deed, status: responseStatus?.code ?? 0 }];
}
