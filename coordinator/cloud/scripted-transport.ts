import type { Clock } from '../../common/clock.ts';
import type { ClbTransport } from './transport.ts';

/** What one call gets: a reply, an error to throw, or `never` for an answer that does not come. */
export type ScriptedAnswer = Record<string, unknown> | Error | 'never';

export interface ScriptedCall {
  readonly at: number;
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A transport for tests: answers as `script` says, at once, and keeps what it was asked. */
export class ScriptedTransport implements ClbTransport {
  readonly calls: ScriptedCall[] = [];
  readonly #clock: Clock;
  readonly #script: (call: ScriptedCall, index: number) => ScriptedAnswer;

  constructor(clock: Clock, script: (call: ScriptedCall, index: number) => ScriptedAnswer) {
    this.#clock = clock;
    this.#script = script;
  }

  async call(action: string, parameters: object): Promise<Record<string, unknown>> {
    const call = { at: this.#clock.now(), action, parameters: { ...parameters } };
    this.calls.push(call);
    const answer = this.#script(call, this.calls.length - 1);
    if (answer === 'never') return new Promise(() => {});
    if (answer instanceof Error) throw answer;
    return { RequestId: `request-${this.calls.length}`, ...answer };
  }

  /** The parameters of every call of `action`, in order. */
  parametersOf(action: string): Readonly<Record<string, unknown>>[] {
    return this.calls.filter(call => call.action === action).map(call => call.parameters);
  }
}
