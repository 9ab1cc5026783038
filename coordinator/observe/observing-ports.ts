import type { Logger } from '../../common/logger.ts';
import { GateState } from '../../common/pod-record.ts';
import type { OwnerRecord } from '../kube/owner-record.ts';
import type { LeaderPorts } from '../leader/leader-ports.ts';
import { ownerName } from '../loadbalancers/owner.ts';
import type { Problem } from '../loadbalancers/problem.ts';
import type { RehearsedRecords } from './rehearsed-records.ts';
import { SaidOnce } from './said-once.ts';

/** What asks and changes nothing. */
export type AskingPorts = Pick<
  LeaderPorts,
  'probe' | 'confirm' | 'prove' | 'findInstance' | 'readSecret' | 'listServices'
>;

export interface ObservingPortsOptions {
  readonly asking: AskingPorts;
  readonly log: Logger;
  readonly records: Pick<RehearsedRecords, 'claim' | 'forget'>;
  /** The object would be otherwise now. */
  readonly onRehearsed: (owner: OwnerRecord) => void;
}

/** The hands of a coordinator that observes: it asks like a leader, and what a leader would write goes into the log. */
export class ObservingPorts implements LeaderPorts {
  readonly #options: ObservingPortsOptions;
  readonly #said = new SaidOnce();

  constructor(options: ObservingPortsOptions) {
    this.#options = options;
  }

  writeGate: LeaderPorts['writeGate'] = ({ record }, { open, reason, message }) => {
    if (open === (record.gate === GateState.OPEN)) return;
    const pod = `${record.namespace}/${record.name}`;
    this.#tell(`gate ${record.uid}`, 'would write a readiness gate', { pod, open, reason, text: message });
  };

  dropGate: LeaderPorts['dropGate'] = podUid => {
    this.#said.forget(`gate ${podUid}`);
  };

  claimService: LeaderPorts['claimService'] = (owner, change) => {
    const { records, onRehearsed } = this.#options;
    if (!records.claim(owner, change)) return;
    const lists = { add: change.add, drop: change.drop };
    this.#tell(`claim ${owner.uid}`, 'would put finalizer and record on an object', {
      object: ownerName(owner),
      ...lists,
    });
    onRehearsed(owner);
  };

  releaseService: LeaderPorts['releaseService'] = (owner, { keepsAddress } = { keepsAddress: false }) => {
    this.#options.records.forget(owner.uid);
    const object = ownerName(owner);
    this.#tell(`claim ${owner.uid}`, 'would take everything of ours off an object', { object, keepsAddress });
  };

  writeStatus: LeaderPorts['writeStatus'] = (owner, status) => {
    this.#tell(`status ${owner.uid}`, 'would write the address of an object', { object: ownerName(owner), ...status });
  };

  writeConfig: LeaderPorts['writeConfig'] = ({ owner, name, spec }) => {
    const object = `${owner.namespace}/${name}`;
    this.#tell(`config ${object}`, 'would write a TkeServiceConfig', { object, spec });
  };

  // Whoever has problems to tell tells each of them again only after a while.

  reportProblem: LeaderPorts['reportProblem'] = (owner, problem) => this.#report(ownerName(owner), problem);

  reportReplica: LeaderPorts['reportReplica'] = problem => this.#report('this replica', problem);

  reportPod: LeaderPorts['reportPod'] = ({ namespace, name }, problem) =>
    this.#report(`Pod ${namespace}/${name}`, problem);

  reportOwner: LeaderPorts['reportOwner'] = ({ namespace, name, uid }, problemOf) => {
    const subject = { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
    this.#report(`owner of Pod ${namespace}/${name}`, problemOf(subject));
  };

  reportNode: LeaderPorts['reportNode'] = (node, problem) => this.#report(`Node ${node}`, problem);

  /** Agents hold no hook for a coordinator that observes. */
  sendDrainUpdate: LeaderPorts['sendDrainUpdate'] = () => undefined;

  probe: LeaderPorts['probe'] = (...question) => this.#options.asking.probe(...question);
  confirm: LeaderPorts['confirm'] = pod => this.#options.asking.confirm(pod);
  prove: LeaderPorts['prove'] = mark => this.#options.asking.prove(mark);
  findInstance: LeaderPorts['findInstance'] = node => this.#options.asking.findInstance(node);
  readSecret: LeaderPorts['readSecret'] = secret => this.#options.asking.readSecret(secret);
  listServices: LeaderPorts['listServices'] = namespace => this.#options.asking.listServices(namespace);

  #report(object: string, { code, reason, message: problemText }: Problem): void {
    this.#options.log.warn('would write an Event', { object, code, reason, problemText });
  }

  #tell(subject: string, message: string, fields: object): void {
    if (this.#said.isNews(subject, `${message} ${JSON.stringify(fields)}`))
      this.#options.log.info(message, { ...fields });
  }
}
