/**
 * Where the sandbox answers otherwise than the real server, and why that is accepted. What is not listed must agree, and
 * what is listed must still differ.
 */
import type { Disagreement } from './disagreements.ts';

export interface Difference {
  /** Name of a request or a story; a star stands for anything. */
  readonly of: string;
  /** Dotted path; what stands below it is covered too. A star stands for anything. */
  readonly path: string;
  readonly reason: string;
}

/** One answer that is otherwise altogether. */
function wholly(of: string, reason: string): Difference[] {
  return [
    { of, path: 'status', reason },
    { of, path: 'body', reason },
  ];
}

const wording = 'the same refusal in other words, which nobody reads by program';
const ownKind = 'the real server names the resource where it should name the kind, or the other way round';
const noToken = 'Pods of the sandbox get a token only by a projected volume of their own; it has no kube-root-ca.crt';
const twice = 'the real server validates metadata twice and says so twice';
const earlyAddress = 'the sandbox gives a Pod its address before it writes its status for the first time';
const noSuchKind = 'a kind that the sandbox does not have';
const noSchemas = 'the sandbox has no schemas: it keeps what it is given';
const notDone = 'the sandbox says plainly (501) that it does not do this';
const nullField = 'null in the real answer';
const emptyField = 'empty in the real answer';
const fewColumns = 'kinds whose columns nobody looks at have name and age only';
const readyAtOnce = 'nodes of the sandbox are fit for Pods from their first moment';

export const differences: readonly Difference[] = [
  { of: 'the version', path: 'body', reason: 'the sandbox says what it is' },
  { of: 'the versions of the core', path: 'body.serverAddressByClientCIDRs', reason: 'the sandbox has one address' },
  {
    of: 'the resources of /api/v1',
    path: 'body.apiVersion',
    reason: 'left out by the real server, for the core alone',
  },
  { of: 'the resources of *', path: 'body.*.storageVersionHash', reason: 'the sandbox has one version of everything' },
  { of: 'the resources of *', path: 'body.*.categories', reason: '`kubectl get api-extensions` is for real clusters' },
  {
    of: 'the resources of /api/v1',
    path: 'body.resources.namespaces.verbs',
    reason: 'the sandbox would delete all namespaces at once',
  },
  { of: 'a group that is not there', path: 'body', reason: 'plain text in the real answer' },
  { of: 'the schemas of /openapi/v2', path: 'status', reason: noSchemas },
  ...['create', 'get'].flatMap(verb => wholly(`${verb} a CustomResourceDefinition`, noSuchKind)),
  { of: 'a custom kind once it is known', path: 'body.metadata.continue', reason: emptyField },
  { of: 'list *TkeServiceConfig*', path: 'body.metadata.continue', reason: emptyField },
  { of: 'the resources of */v1alpha1', path: 'body.*.verbs', reason: 'the same ones in another order' },
  { of: 'patch the status of a Service', path: 'body.*.ipMode', reason: 'the sandbox adds no field of its own' },
  ...wholly('*DaemonSet*', noSuchKind),
  ...wholly('*StatefulSet*', noSuchKind),
  { of: '*Pod*', path: '*spec.containers.0.volumeMounts', reason: noToken },
  { of: '*Pod*', path: '*spec.volumes', reason: noToken },
  { of: 'delete it again *', path: 'body.spec.containers.0.volumeMounts', reason: noToken },
  { of: 'delete it again *', path: 'body.spec.volumes', reason: noToken },
  ...['ConfigMap', 'Secret', 'Event', 'EndpointSlice', 'MutatingWebhookConfiguration'].flatMap(kind =>
    ['columnDefinitions', 'rows'].map(
      (part): Difference => ({ of: `list ${kind}s as a Table`, path: `body.${part}`, reason: fewColumns }),
    ),
  ),
  {
    of: 'list TkeServiceConfigs as a Table',
    path: 'body.columnDefinitions.1.type',
    reason: 'a date in the real answer, which kubectl prints as the age',
  },
  { of: '* Node*', path: '*spec', reason: readyAtOnce },
  { of: 'delete a Namespace of another version', path: 'body', reason: ownKind },
  { of: '* patch of a TkeServiceConfig*', path: 'body.message', reason: 'the sandbox knows no server-side apply' },
  ...['Lease', 'MutatingWebhookConfiguration', 'TkeServiceConfig'].flatMap(kind =>
    ['message', 'details.kind'].map(
      (part): Difference => ({ of: `put a ${kind} without a version`, path: `body.${part}`, reason: ownKind }),
    ),
  ),
  { of: 'create one without a name', path: 'body.details.name', reason: 'left out of the real answer' },
  ...wholly('create one with a version', 'an error of its own (500) to the real server'),
  { of: 'JSON patch that takes away what is not there', path: 'body.message', reason: 'the sandbox tells which' },
  { of: 'patch of a type that is none', path: 'body.message', reason: 'the sandbox tells which types there are' },
  { of: 'patch of a type that is none', path: 'body.details', reason: emptyField },
  { of: 'patch with another UID', path: 'body.details.causes.1', reason: twice },
  { of: 'put with another UID', path: 'body.message', reason: 'the real message names the key in etcd' },
  { of: 'list with a broken continue token', path: 'body.message', reason: wording },
  { of: 'list by a broken selector', path: 'body.message', reason: wording },
  { of: 'list by a field that cannot be asked for', path: 'body.message', reason: wording },
  { of: 'list with a limit that is none', path: 'body.message', reason: wording },
  { of: 'list from a version that is none', path: 'body.message', reason: wording },
  { of: 'watch from a version that is none', path: 'body', reason: wording },
  { of: 'watch by a broken selector', path: 'body', reason: wording },
  ...wholly(
    'watch with the present state as events',
    'the sandbox refuses it, as a server does whose WatchList is off',
  ),
  { of: 'watch from a version that is gone', path: 'body.0.object.message', reason: wording },
  { of: 'add a finalizer to what is being deleted', path: 'body.details.causes.1', reason: twice },
  { of: 'bind it again', path: 'body.message', reason: ownKind },
  { of: 'bind it again', path: 'body.details.kind', reason: ownKind },
  ...['patch', 'read'].flatMap(verb =>
    ['lastProbeTime', 'lastTransitionTime'].map(
      (part): Difference => ({ of: `${verb} the status of a Pod`, path: `body.0.${part}`, reason: nullField }),
    ),
  ),
  { of: 'change what is fixed in a Pod', path: 'body.message', reason: 'the real message shows what differs' },
  { of: 'change what is fixed in a Pod', path: 'body.details.causes.0.message', reason: 'as in the message' },
  { of: 'add a readiness gate to a Pod', path: 'body.message', reason: 'the real message shows what differs' },
  { of: 'add a readiness gate to a Pod', path: 'body.details.causes.0.message', reason: 'as in the message' },
  { of: 'patch the status of a Pod with another UID', path: 'body.details.causes.1', reason: twice },
  { of: 'patch the status of a Service with another UID', path: 'body.details.causes.1', reason: twice },
  { of: 'review a token for no audience', path: 'body.status.error', reason: 'the issuer is a setting of the cluster' },
  ...['breaks', 'answers-another', 'fails', 'hangs', 'unreachable', 'no-service', 'conditions-break'].map(
    (manner): Difference => ({ of: `a webhook that is: ${manner}`, path: 'body.message', reason: wording }),
  ),
  ...['breaks', 'answers-another', 'fails', 'hangs', 'unreachable', 'no-service'].map(
    (manner): Difference => ({
      of: `a webhook that is: ${manner}`,
      path: 'body.details.causes.0.message',
      reason: wording,
    }),
  ),
  { of: 'a webhook whose conditions are none', path: 'body.message', reason: wording },
  {
    of: 'a webhook whose conditions are none',
    path: 'body.details',
    reason: 'the sandbox tells the condition, not its path',
  },
  ...['a creation', 'a patch', 'a deletion'].flatMap(write => wholly(`dry run of ${write}`, notDone)),
  ...wholly('deletion in the foreground', notDone),
  ...wholly('server-side apply', 'the sandbox keeps no field ownership, and says so (415)'),
  ...wholly('a field that does not exist, refused as kubectl asks for it', noSchemas),
  ...wholly('a field of another type than it has', noSchemas),
  ...wholly('the log of a Pod', notDone),
  { of: 'started', path: 'status.PodReadyToStartContainers', reason: earlyAddress },
];

/** A disagreement and whose it is. */
export interface Finding extends Disagreement {
  readonly of: string;
}

export function covers(difference: Difference, { of, path }: Pick<Finding, 'of' | 'path'>): boolean {
  return matches(difference.of, of) && (matches(difference.path, path) || matches(`${difference.path}.*`, path));
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map(part => part.replace(/[.?+()[\]/\\^$|{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}
