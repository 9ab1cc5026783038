/** A law that a run broke, with what shows it. */
export interface Breach {
  readonly law: string;
  readonly message: string;
}
