import type { PodRecord } from '../../../common/pod-record.ts';
import type { AgentChannel } from '../../../common/report-transport.ts';
import type { ReportRequest, ReportResponse, Welcome } from '../../../proto/gen/clbdirect/v1/report.ts';

export type ReportMessage = NonNullable<ReportRequest['message']>;

/** A Pod as its own node's agent reported it last. */
export interface ReportedPod {
  readonly nodeName: string;
  readonly record: PodRecord;
}

/** What all agents told, and the streams on which something else can be told in their name. */
export class ReportTap {
  /** By UID, what was reported before any lie. */
  readonly pods = new Map<string, ReportedPod>();
  readonly welcomes = new Map<string, Welcome>();
  readonly #streams = new Map<string, Set<TappedChannel>>();
  readonly #onPod = new Set<(pod: ReportedPod) => void>();

  /** The agent's end of a stream, as the agent gets it. */
  tapped(nodeName: string, channel: AgentChannel): AgentChannel {
    const streams = this.#streams.get(nodeName) ?? new Set();
    this.#streams.set(nodeName, streams);
    const stream = new TappedChannel(channel, {
      onMessage: message => this.#note(nodeName, message),
      onWelcome: welcome => this.welcomes.set(welcome.coordinator, welcome),
      onClose: () => streams.delete(stream),
    });
    streams.add(stream);
    return stream;
  }

  /** Tells it on every stream of the node's agents that has had its snapshot. */
  tell(nodeName: string, message: ReportMessage): void {
    for (const stream of this.#streams.get(nodeName) ?? []) stream.interject(message);
  }

  /** Calls `react` for each Pod that is reported for the first time, before its report is under way. @returns what ends that */
  onPod(react: (pod: ReportedPod) => void): () => void {
    this.#onPod.add(react);
    return () => this.#onPod.delete(react);
  }

  #note(nodeName: string, message: ReportMessage): void {
    if (message.$case !== 'snapshot' && message.$case !== 'delta') return;
    const records = message.$case === 'snapshot' ? message.value.pods : message.value.upserts;
    for (const record of records) {
      const isNew = !this.pods.has(record.uid);
      this.pods.set(record.uid, { nodeName, record });
      if (isNew) for (const react of this.#onPod) react({ nodeName, record });
    }
    if (message.$case === 'delta') for (const uid of message.value.removals) this.pods.delete(uid);
  }
}

interface TapReactions {
  readonly onMessage: (message: ReportMessage) => void;
  readonly onWelcome: (welcome: Welcome) => void;
  readonly onClose: () => void;
}

/** Passes everything on; what is interjected gets the next number, and what follows one number more. */
class TappedChannel implements AgentChannel {
  readonly #channel: AgentChannel;
  readonly #reactions: TapReactions;
  #interjected = 0;
  /** Of the last snapshot or delta, as the agent numbers them. */
  #sequence: number | undefined;

  constructor(channel: AgentChannel, reactions: TapReactions) {
    this.#channel = channel;
    this.#reactions = reactions;
  }

  send(request: ReportRequest): boolean {
    const { message } = request;
    if (!message) return this.#channel.send(request);
    this.#reactions.onMessage(message);
    if (message.$case === 'snapshot' || message.$case === 'delta') this.#sequence = message.value.sequence;
    return this.#channel.send({ message: this.#numbered(message) });
  }

  interject(message: ReportMessage): void {
    if (this.#sequence === undefined) return;
    if (message.$case === 'snapshot' || message.$case === 'delta') this.#interjected += 1;
    this.#channel.send({ message: this.#numbered(message) });
  }

  writable(): Promise<void> {
    return this.#channel.writable();
  }

  async *received(): AsyncIterable<ReportResponse> {
    for await (const response of this.#channel.received()) {
      if (response.message?.$case === 'welcome') this.#reactions.onWelcome(response.message.value);
      yield response;
    }
  }

  close(): void {
    this.#reactions.onClose();
    this.#channel.close();
  }

  #numbered(message: ReportMessage): ReportMessage {
    if (this.#interjected === 0 || (message.$case !== 'snapshot' && message.$case !== 'delta')) return message;
    const sequence = (this.#sequence ?? 0) + this.#interjected;
    return message.$case === 'snapshot'
      ? { $case: 'snapshot', value: { ...message.value, sequence } }
      : { $case: 'delta', value: { ...message.value, sequence } };
  }
}
