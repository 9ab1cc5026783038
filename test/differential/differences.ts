/**
 * Where the sandbox answers otherwise than the real server, and why that is accepted. What is not listed must agree, and
 * what is listed must still differ.
 */
export interface Difference {
  /** Name of a request in `requests.ts` or of a story in `stories.ts`. */
  readonly of: string;
  /** Dotted path; what stands below it is covered too. */
  readonly path: string;
  readonly reason: string;
}

const wording = 'the same refusal in other words, which nobody reads by program';
const ownKind = 'the real server names the resource where it should name the kind, or the other way round';
const noToken = 'Pods of the sandbox get a token only by a projected volume of their own; it has no kube-root-ca.crt';
const twice = 'the real server validates metadata twice and says so twice';
const earlyAddress = 'the sandbox gives a Pod its address before it writes its status for the first time';

export const differences: readonly Difference[] = [
  { of: 'list with a broken continue token', path: 'body.message', reason: wording },
  { of: 'list by a broken selector', path: 'body.message', reason: wording },
  { of: 'list by a field that cannot be asked for', path: 'body.message', reason: wording },
  { of: 'watch from a version that is gone', path: 'body.0.object.message', reason: wording },
  { of: 'patch of a type that is none', path: 'body.message', reason: 'the sandbox tells which types there are' },
  { of: 'patch of a type that is none', path: 'body.details', reason: 'empty in the real answer' },
  { of: 'patch with another UID', path: 'body.details.causes.1', reason: twice },
  { of: 'patch the status of a Pod with another UID', path: 'body.details.causes.1', reason: twice },
  { of: 'patch the status of a Service with another UID', path: 'body.details.causes.1', reason: twice },
  { of: 'put with another UID', path: 'body.message', reason: 'the real message names the key in etcd' },
  { of: 'delete with the UID of another', path: 'body.message', reason: wording },
  { of: 'delete with the UID of another', path: 'body.details.kind', reason: ownKind },
  { of: 'create a Pod', path: 'body.spec.containers.0.volumeMounts', reason: noToken },
  { of: 'create a Pod', path: 'body.spec.volumes', reason: noToken },
  { of: 'delete a Pod gracefully', path: 'body.spec.containers.0.volumeMounts', reason: noToken },
  { of: 'delete a Pod gracefully', path: 'body.spec.volumes', reason: noToken },
  { of: 'delete it again with less grace', path: 'body.spec.containers.0.volumeMounts', reason: noToken },
  { of: 'delete it again with less grace', path: 'body.spec.volumes', reason: noToken },
  { of: 'patch the status of a Pod', path: 'body.0.lastProbeTime', reason: 'null in the real answer' },
  { of: 'patch the status of a Pod', path: 'body.0.lastTransitionTime', reason: 'null in the real answer' },
  { of: 'change what is fixed in a Pod', path: 'body.message', reason: 'the real message shows what differs' },
  { of: 'change what is fixed in a Pod', path: 'body.details.causes.0.message', reason: 'as in the message' },
  { of: 'put a Lease without its version', path: 'body.message', reason: ownKind },
  { of: 'put a Lease without its version', path: 'body.details.kind', reason: ownKind },
  { of: 'created', path: 'PodReadyToStartContainers', reason: earlyAddress },
];

/** Whether a difference speaks of this path. */
export function covers(difference: Difference, path: string): boolean {
  return path === difference.path || path.startsWith(`${difference.path}.`);
}
