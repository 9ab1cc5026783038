import type { ServerDuplexStream } from '@grpc/grpc-js';
import { type CoordinatorChannel, ReportChannelError } from '../../common/report-transport.ts';
import type { ReportRequest, ReportResponse } from '../../proto/gen/clbdirect/v1/report.ts';

/** Decoded messages that wait for the session; beyond them HTTP/2 flow control holds the agent back. */
const RECEIVED_PENDING_MAX = 16;

/**
 * The server's end of a report stream on grpc-js. `close` only stops the talk: the status that ends the call is the
 * listener's to send.
 */
export class GrpcChannel implements CoordinatorChannel {
  readonly #call: ServerDuplexStream<ReportRequest, ReportResponse>;
  #pending: ReportRequest[] = [];
  #state: 'open' | 'ended' | 'broken' = 'open';
  #wakeReader = () => {};

  constructor(call: ServerDuplexStream<ReportRequest, ReportResponse>) {
    this.#call = call;
    call.on('cancelled', () => this.#stop('broken'));
    call.on('error', () => this.#stop('broken'));
    call.on('end', () => this.#stop('ended'));
    call.on('data', (request: ReportRequest) => this.#take(request));
    if (call.cancelled) this.#stop('broken');
  }

  send(message: ReportResponse): boolean {
    return this.#state === 'open' && this.#call.writable ? this.#call.write(message) : true;
  }

  writable(): Promise<void> {
    const call = this.#call;
    if (this.#state !== 'open' || !call.writableNeedDrain) return Promise.resolve();
    return new Promise(resolve => {
      const settle = () => {
        call.off('drain', settle).off('close', settle);
        resolve();
      };
      call.on('drain', settle).on('close', settle);
    });
  }

  async *received(): AsyncGenerator<ReportRequest> {
    for (;;) {
      const requests = this.#pending;
      this.#pending = [];
      for (const request of requests) yield request;
      if (this.#pending.length > 0) continue;
      if (this.#state === 'broken') throw new ReportChannelError('broken', 'the agent is gone: its stream was cut');
      if (this.#state === 'ended') return;
      this.#call.resume();
      await new Promise<void>(resolve => {
        this.#wakeReader = resolve;
      });
    }
  }

  close(): void {
    this.#pending = [];
    this.#stop('ended');
  }

  #take(request: ReportRequest): void {
    if (this.#state !== 'open') return;
    this.#pending.push(request);
    if (this.#pending.length >= RECEIVED_PENDING_MAX) this.#call.pause();
    this.#wakeReader();
  }

  /** The first reason stays. */
  #stop(state: 'ended' | 'broken'): void {
    if (this.#state === 'open') this.#state = state;
    this.#wakeReader();
  }
}
