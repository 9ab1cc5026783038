/**
 * Why the coordinator ended a report stream.
 * `wrong-node`: the agent speaks for a node that its token does not prove; `protocol`: messages in an order or shape that
 * the protocol does not know; `limit`: more than the coordinator takes; `silent`: nothing was heard for too long;
 * `superseded`: the same agent opened a newer stream; `stopping`: this process ends.
 */
export type RefusalKind = 'wrong-node' | 'protocol' | 'limit' | 'silent' | 'superseded' | 'stopping';

/** The report handler rejects with it; the carrier passes kind and message on to the agent. */
export class SessionRefusedError extends Error {
  override readonly name = 'SessionRefusedError';
  readonly kind: RefusalKind;
  constructor(kind: RefusalKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
