import { get, patch } from '../../common/kube/client.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import { ingressPath, servicePath } from '../../common/kube/paths.ts';
import { KubeResponseError } from '../../common/kube/transport.ts';
import { INGRESS_LOAD_BALANCER_ID_ANNOTATION, LOAD_BALANCER_ID_ANNOTATION } from '../../common/names.ts';
import { eventually, ignoreMissing, listIfKnown, type ReleaseContext } from './release-context.ts';

interface OwnerKind {
  readonly kind: 'Service' | 'Ingress';
  readonly collection: string;
  readonly path: (namespace: string, name: string) => string;
  /** Where its load balancer's id stands. */
  readonly idAnnotation: string;
}

const KINDS: readonly OwnerKind[] = [
  { kind: 'Service', collection: '/api/v1/services', path: servicePath, idAnnotation: LOAD_BALANCER_ID_ANNOTATION },
  {
    kind: 'Ingress',
    collection: '/apis/networking.k8s.io/v1/ingresses',
    path: ingressPath,
    idAnnotation: INGRESS_LOAD_BALANCER_ID_ANNOTATION,
  },
];
/** What a coordinator needs to give back the load balancers of what is being deleted. */
const DELETIONS_TIMEOUT_MS = 30_000;
/** Each means that somebody else wrote the object at the same moment. */
const TRIES_MAX = 5;

/** Lets the coordinators finish with what is being deleted: afterwards nobody deletes its load balancers. */
export async function awaitDeletions(context: ReleaseContext): Promise<void> {
  const deleting = async () => {
    const all = await Promise.all(KINDS.map(kind => finalized(context, kind)));
    return all.flat().filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  };
  const isDone = await eventually(context, DELETIONS_TIMEOUT_MS, async () => (await deleting()).length === 0);
  if (isDone) return;
  for (const { metadata } of await deleting()) {
    context.say(
      `${metadata.namespace}/${metadata.name} is being deleted, and its load balancers may be left: look for`,
    );
    context.say('  load balancers with tags that begin with clb-direct in the console, and delete them');
  }
}

/**
 * Takes our finalizer off every Service and Ingress. Their load balancers, addresses and the record of them stay, so that
 * traffic goes on and a later installation finds its own.
 */
export async function releaseOwners(context: ReleaseContext): Promise<void> {
  for (const kind of KINDS) {
    const owners = await finalized(context, kind);
    for (const owner of owners) await takeOff(context, kind, owner);
    const balancers = new Set(owners.flatMap(({ metadata }) => metadata.annotations?.[kind.idAnnotation] ?? []));
    if (owners.length === 0) continue;
    context.say(`finalizer taken off ${owners.length} ${kind.kind}(s); load balancers that stay as they are:`);
    context.say(`  ${[...balancers].join(' ') || 'none'}`);
  }
}

async function finalized(context: ReleaseContext, { collection }: OwnerKind): Promise<readonly KubeObject[]> {
  const owners = await listIfKnown<KubeObject>(context, collection);
  return owners.filter(owner => isFinalized(owner, context.names.finalizer));
}

function isFinalized({ metadata }: KubeObject, finalizer: string): boolean {
  return metadata.finalizers?.includes(finalizer) === true;
}

/** A list is replaced as a whole, so it has to be the version that was read. */
async function takeOff(context: ReleaseContext, { path }: OwnerKind, owner: KubeObject): Promise<void> {
  const { transport, names, signal } = context;
  const { finalizer } = names;
  const place = path(owner.metadata.namespace ?? '', owner.metadata.name);
  let present: KubeObject | undefined = owner;
  for (let tries = 1; present && isFinalized(present, finalizer); tries += 1) {
    const { uid, resourceVersion, finalizers = [] } = present.metadata;
    const metadata = { uid, resourceVersion, finalizers: finalizers.filter(each => each !== finalizer) };
    try {
      await patch(transport, place, { type: 'merge', body: { metadata } }, signal);
      return;
    } catch (error) {
      if (!(error instanceof KubeResponseError) || ![404, 409].includes(error.status) || tries === TRIES_MAX)
        throw error;
    }
    present = await get<KubeObject>(transport, place, signal).catch(ignoreMissing);
  }
}
