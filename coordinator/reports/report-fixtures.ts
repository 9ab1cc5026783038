import { GateState, PodPhase, type PodRecord } from '../../common/pod-record.ts';
import type { CoordinatorChannel } from '../../common/report-transport.ts';
import { ReportChannelError } from '../../common/report-transport.ts';
import type { ReportRequest, ReportResponse } from '../../proto/gen/clbdirect/v1/report.ts';

/** What the tests of this folder share. */

export function podRecord(uid: string): PodRecord {
  return {
    uid,
    namespace: 'default',
    name: `pod-${uid}`.slice(0, 63),
    addresses: ['10.0.0.1'],
    labels: {},
    hostNetwork: false,
    eni: { attached: true, reason: 'resource tke.cloud.tencent.com/eni-ip' },
    ports: [],
    phase: PodPhase.RUNNING,
    ready: true,
    deletion: undefined,
    containers: [],
    gate: GateState.CLOSED,
    annotations: {},
    createdAtMs: 0,
  };
}

/** A channel in memory whose far end the test holds. */
export class ScriptedChannel implements CoordinatorChannel {
  readonly sent: NonNullable<ReportResponse['message']>[] = [];
  /** What `send` answers from now on. */
  roomy = true;
  closed = false;
  #incoming: ReportRequest[] = [];
  #broken = false;
  #wakeReader = () => {};
  #wakeWriters: (() => void)[] = [];

  send({ message }: ReportResponse): boolean {
    if (!this.closed && message) this.sent.push(message);
    return this.roomy;
  }

  writable(): Promise<void> {
    return new Promise(resolve => this.#wakeWriters.push(resolve));
  }

  async *received(): AsyncGenerator<ReportRequest> {
    for (;;) {
      const next = this.#incoming.shift();
      if (this.closed) return;
      if (this.#broken) throw new ReportChannelError('broken', 'cut');
      if (next) yield next;
      else
        await new Promise<void>(resolve => {
          this.#wakeReader = resolve;
        });
    }
  }

  close(): void {
    this.closed = true;
    this.#wakeReader();
  }

  /** The agent says something. */
  say(request: ReportRequest): void {
    this.#incoming.push(request);
    this.#wakeReader();
  }

  break(): void {
    this.#broken = true;
    this.#wakeReader();
  }

  makeRoom(): void {
    this.roomy = true;
    for (const wake of this.#wakeWriters.splice(0)) wake();
  }
}
