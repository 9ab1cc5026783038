/** How a TCP connection was answered: somebody listens, nobody does, or the network knows no way. */
export type ProbeAnswer = 'connected' | 'refused' | 'unreachable';

/** Reaches out from this node. */
export interface ProbeSource {
  /**
   * Opens a TCP connection and closes it at once, without a byte sent.
   * @throws the signal's reason when it aborts before there was an answer.
   */
  connect(address: string, port: number, signal: AbortSignal): Promise<ProbeAnswer>;
}
