import { type AgentChannel, ReportChannelError, type ReportConnector } from '../../common/report-transport.ts';
import type { ReportRequest, ReportResponse } from '../../proto/gen/clbdirect/v1/report.ts';

type Message = NonNullable<ReportRequest['message']>;
type ValueOf<Case extends Message['$case']> = Extract<Message, { $case: Case }>['value'];

/** For tests: coordinators that say what they are told, and remember what they were sent. */
export class ScriptedConnector implements ReportConnector {
  addresses: readonly string[] = ['10.9.0.1:9443'];
  /** Refuses every connection while set. */
  refusal: ReportChannelError | undefined;
  resolveError: Error | undefined;
  readonly channels: ScriptedChannel[] = [];

  async resolve(): Promise<readonly string[]> {
    if (this.resolveError) throw this.resolveError;
    return this.addresses;
  }

  async connect(address: string): Promise<AgentChannel> {
    if (this.refusal) throw this.refusal;
    const channel = new ScriptedChannel(address);
    this.channels.push(channel);
    return channel;
  }

  /** The latest channel to this address. */
  to(address: string): ScriptedChannel {
    const channel = this.channels.findLast(candidate => candidate.address === address);
    if (!channel) throw new Error(`nobody connected to ${address}`);
    return channel;
  }
}

export class ScriptedChannel implements AgentChannel {
  readonly address: string;
  readonly sent: Message[] = [];
  isClosed = false;
  /** While true, every message fills the carrier. */
  isFull = false;
  readonly #responses: ReportResponse[] = [];
  #failure: ReportChannelError | undefined;
  #wakeReader = () => {};
  #drained = Promise.withResolvers<void>();

  constructor(address: string) {
    this.address = address;
  }

  say(message: NonNullable<ReportResponse['message']>): void {
    this.#responses.push({ message });
    this.#wakeReader();
  }

  welcome({ leading = true, heartbeatIntervalMs = 3_000, observes = false } = {}): void {
    const value = {
      coordinator: 'c-0',
      incarnation: 'i',
      podUid: 'coordinator-uid',
      leadership: { leading, term: 1 },
      heartbeatIntervalMs,
      observes,
    };
    this.say({ $case: 'welcome', value });
  }

  break(): void {
    this.#failure = new ReportChannelError('broken', 'cut by the test');
    this.#wakeReader();
  }

  /** The carrier has room again. */
  drain(): void {
    this.isFull = false;
    this.#drained.resolve();
    this.#drained = Promise.withResolvers<void>();
  }

  /** What was sent, by kind. */
  kinds(): string[] {
    return this.sent.map(({ $case }) => $case);
  }

  of<Case extends Message['$case']>(kind: Case): ValueOf<Case>[] {
    return this.sent.flatMap(message => (message.$case === kind ? [message.value as ValueOf<Case>] : []));
  }

  send({ message }: ReportRequest): boolean {
    if (message && !this.isClosed) this.sent.push(message);
    return !this.isFull;
  }

  writable(): Promise<void> {
    return this.isFull ? this.#drained.promise : Promise.resolve();
  }

  async *received(): AsyncGenerator<ReportResponse> {
    for (;;) {
      yield* this.#responses.splice(0);
      if (this.#responses.length > 0) continue;
      if (this.#failure) throw this.#failure;
      if (this.isClosed) return;
      await new Promise<void>(resolve => {
        this.#wakeReader = resolve;
      });
    }
  }

  close(): void {
    this.isClosed = true;
    this.#wakeReader();
  }
}
