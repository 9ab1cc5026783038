/** Coordinators that have welcomed this agent. */
export interface ConnectedCoordinators {
  /** Those that may act: one of them leads. */
  readonly connected: number;
  /** Those that only observe, so that nothing is to be waited for; none unless told. */
  readonly observing?: number;
}
