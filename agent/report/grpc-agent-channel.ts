import { type ClientDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import { type AgentChannel, ReportChannelError } from '../../common/report-transport.ts';
import type { ReportRequest, ReportResponse } from '../../proto/gen/clbdirect/v1/report.ts';

/** Decoded messages that wait to be taken; beyond them HTTP/2 flow control holds the coordinator back. */
const RECEIVED_PENDING_MAX = 64;

/** The agent's end of a report stream on grpc-js. */
export class GrpcAgentChannel implements AgentChannel {
  readonly #call: ClientDuplexStream<ReportRequest, ReportResponse>;
  readonly #release: () => void;
  #pending: ReportResponse[] = [];
  #state: 'open' | 'closed' | ReportChannelError = 'open';
  #wakeReader = () => {};

  /** @param release gives back what the call stands on. */
  constructor(call: ClientDuplexStream<ReportRequest, ReportResponse>, release: () => void) {
    this.#call = call;
    this.#release = release;
    // A call without this listener ends the process when the server goes away.
    call.on('error', (error: ServiceError) => this.#stop(channelError(error)));
    call.on('end', () => this.#stop('closed'));
    call.on('data', (response: ReportResponse) => this.#take(response));
  }

  send(message: ReportRequest): boolean {
    return this.#state === 'open' ? this.#call.write(message) : true;
  }

  writable(): Promise<void> {
    if (this.#state !== 'open' || !this.#call.writableNeedDrain) return Promise.resolve();
    return new Promise(resolve => {
      const settle = () => {
        this.#call.off('drain', settle).off('close', settle).off('error', settle);
        resolve();
      };
      this.#call.on('drain', settle).on('close', settle).on('error', settle);
    });
  }

  async *received(): AsyncGenerator<ReportResponse> {
    for (;;) {
      const responses = this.#pending;
      this.#pending = [];
      yield* responses;
      if (this.#pending.length > 0) continue;
      if (this.#state instanceof ReportChannelError) throw this.#state;
      if (this.#state === 'closed') return;
      this.#call.resume();
      await new Promise<void>(resolve => {
        this.#wakeReader = resolve;
      });
    }
  }

  close(): void {
    this.#stop('closed');
    this.#call.cancel();
    this.#release();
  }

  #take(response: ReportResponse): void {
    if (this.#state !== 'open') return;
    this.#pending.push(response);
    if (this.#pending.length >= RECEIVED_PENDING_MAX) this.#call.pause();
    this.#wakeReader();
  }

  /** The status comes after the stream's end, and tells more; otherwise the first reason stays. */
  #stop(state: 'closed' | ReportChannelError): void {
    if (this.#state === 'open') this.#state = state;
    this.#wakeReader();
  }
}

/** What a failed call means to whoever opened it. */
export function channelError(error: ServiceError): ReportChannelError {
  const refused = error.code === status.UNAUTHENTICATED || error.code === status.PERMISSION_DENIED;
  const kind = refused ? 'unauthenticated' : error.code === status.UNAVAILABLE ? 'unavailable' : 'broken';
  return new ReportChannelError(kind, `${status[error.code]}: ${error.details}`, { cause: error });
}
