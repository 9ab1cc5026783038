import { isDeepStrictEqual } from 'node:util';
import type { InstanceNames } from '../../common/instance-names.ts';
import type { CertificateSettings } from '../cloud/settings.ts';
import type { SelectingOwner } from '../core/owner-selections.ts';
import { claimOfIngress } from '../ingress/ingress-claim.ts';
import type { Knowledge } from '../knowledge.ts';
import type { IngressRecord } from '../kube/ingress-reflector.ts';
import type { OwnerRecord } from '../kube/owner-record.ts';
import type { SecretLook, SecretName } from '../kube/secret-reader.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import { pausedClaim } from '../loadbalancers/paused-claim.ts';
import type { Problem } from '../loadbalancers/problem.ts';
import { claimOf } from '../loadbalancers/service-claim.ts';
import type { Claim, ServiceIntent } from '../loadbalancers/service-intent.ts';
import type { RehearsedRecords } from '../observe/rehearsed-records.ts';
import { configuredClaim } from '../tke-service-config/configured-claim.ts';
import type { CertificateShelf } from './certificate-shelf.ts';
import type { HeldServices } from './held-services.ts';
import { ingressOf } from './object-key.ts';
import { References } from './references.ts';

/** A Service or Ingress that is ours to serve. */
export interface Claimed {
  readonly service: OwnerRecord;
  readonly intent: ServiceIntent;
}

/** What came of a changed Service or Ingress. */
export interface ClaimChange {
  readonly before: Claimed | undefined;
  readonly after: Claimed | undefined;
  /** What is wrong with it, claimed or not. */
  readonly problems: readonly Problem[];
  /** The object as it is now, undefined when it is gone. */
  readonly service: OwnerRecord | undefined;
}

export interface ClaimsOptions {
  readonly names: InstanceNames;
  readonly knowledge: Pick<Knowledge, 'services' | 'ingresses' | 'tkeServiceConfigs'>;
  readonly tkeController: TkeControllers;
  readonly held: Pick<HeldServices, 'has'>;
  readonly certificates: Pick<CertificateShelf, 'of'>;
  /** What is judged in place of the object as it stands; the object itself unless given. */
  readonly rehearsed?: Pick<RehearsedRecords, 'over' | 'forget'> | undefined;
}

/** Whether TKE's own controller for this kind runs in the cluster; undefined until that was looked for. */
export type TkeControllers = (kind: 'Service' | 'Ingress') => boolean | undefined;

/** The claimed Services and Ingresses of a term, kept up to date one by one; keys are those of `objectKey`. */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #byKey = new Map<string, Claimed>();
  readonly #byUid = new Map<string, Claimed>();
  readonly #references = new References();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  get(serviceUid: string): Claimed | undefined {
    return this.#byUid.get(serviceUid);
  }

  all(): Iterable<Claimed> {
    return this.#byUid.values();
  }

  /** The keys of the objects that refer to this one. */
  usersOf(kind: Referred, { namespace, name }: SecretName): ReadonlySet<string> {
    return this.#references.usersOf(`${kind} ${namespace}/${name}`);
  }

  /** Looks at the object anew. */
  refresh(key: string): ClaimChange {
    const before = this.#byKey.get(key);
    const named = new Set<string>();
    const ingressName = ingressOf(key);
    const { service, claim } =
      ingressName === undefined ? this.#readService(key, named) : this.#readIngress(ingressName, named);
    const configured = service && claim && pausedClaim(service, this.#configure(service, claim, named));
    this.#references.set(key, named);
    const after = service && configured?.kind === 'claimed' ? this.#claimed(service, configured.intent) : undefined;
    if (before) this.#byUid.delete(before.service.uid);
    if (before && before.service.uid !== service?.uid) this.#options.rehearsed?.forget(before.service.uid);
    if (after) {
      this.#byKey.set(key, after);
      this.#byUid.set(after.service.uid, after);
    } else this.#byKey.delete(key);
    return { before, after, problems: problemsOf(configured), service };
  }

  /** @param named takes all that the object refers to */
  #readService(key: string, named: Set<string>): Read<ServiceRecord> {
    const { names, knowledge, certificates, tkeController } = this.#options;
    const service = this.#asRehearsed(knowledge.services.get(key));
    const hasTke = tkeController('Service');
    if (!service) return { service, claim: undefined };
    if (isUndecided(service, hasTke)) return { service, claim: { kind: 'unclaimed' } };
    const certificateOf = (namespace: string, name: string) => {
      named.add(`Secret ${namespace}/${name}`);
      return certificateIn(certificates.of({ namespace, name }));
    };
    return { service, claim: claimOf(service, { names, tkeController: hasTke === true, certificateOf }) };
  }

  #readIngress(key: string, named: Set<string>): Read<IngressRecord> {
    const { names, knowledge, certificates, tkeController } = this.#options;
    const ingress = this.#asRehearsed(knowledge.ingresses.get(key));
    const hasTke = tkeController('Ingress');
    if (!ingress) return { service: undefined, claim: undefined };
    if (isUndecided(ingress, hasTke)) return { service: ingress, claim: { kind: 'unclaimed' } };
    const { namespace } = ingress;
    const refer = (kind: Referred, name: string) => {
      named.add(`${kind} ${namespace}/${name}`);
      return `${namespace}/${name}`;
    };
    const claim = claimOfIngress(ingress, {
      names,
      tkeController: hasTke === true,
      service: name => knowledge.services.get(refer('Service', name)),
      secret: name => {
        refer('Secret', name);
        return certificates.of({ namespace, name });
      },
    });
    return { service: ingress, claim };
  }

  #asRehearsed<T extends OwnerRecord>(owner: T | undefined): T | undefined {
    return owner && (this.#options.rehearsed?.over(owner) ?? owner);
  }

  #configure(service: OwnerRecord, claim: Claim, named: Set<string>): Claim {
    return configuredClaim(service, claim, name => {
      named.add(`TkeServiceConfig ${service.namespace}/${name}`);
      const { tkeServiceConfigs } = this.#options.knowledge;
      if (!tkeServiceConfigs.areKnown) return 'unreadable';
      return tkeServiceConfigs.get(`${service.namespace}/${name}`);
    });
  }

  #claimed(service: OwnerRecord, intent: ServiceIntent): Claimed {
    return { service, intent: { ...intent, held: intent.finalized && this.#options.held.has(service.uid) } };
  }
}

/** Nothing new is taken on that TKE's controller may be serving. */
function isUndecided({ finalized }: OwnerRecord, hasTke: boolean | undefined): boolean {
  return hasTke === undefined && !finalized;
}

/** A Secret without an id is as good as none. */
function certificateIn(look: SecretLook | undefined): CertificateSettings | 'missing' | undefined {
  if (look?.kind !== 'found') return look && 'missing';
  const { certificateId, authorityId } = look;
  return certificateId === '' ? 'missing' : { certificateIds: [certificateId], ...(authorityId && { authorityId }) };
}

/** Kinds of objects that claimed ones refer to. */
export type Referred = 'Service' | 'Secret' | 'TkeServiceConfig';

interface Read<T> {
  readonly service: T | undefined;
  readonly claim: Claim | undefined;
}

/** What its rules select Pods by, those that it has for no Pod left out. */
export function selectionOf({ service, intent }: Claimed): SelectingOwner {
  const selectors: Readonly<Record<string, string>>[] = [];
  for (const { selector } of intent.rules) {
    const isKnown = selectors.some(known => known === selector || isDeepStrictEqual(known, selector));
    if (!isKnown && Object.keys(selector).length > 0) selectors.push(selector);
  }
  const { uid, namespace } = service;
  return { uid, namespace, selectors };
}

function problemsOf(claim: Claim | undefined): readonly Problem[] {
  switch (claim?.kind) {
    case 'claimed':
      return claim.intent.problems;
    case 'refused':
      return claim.problems;
    case 'unclaimed':
    case undefined:
      return [];
  }
}
