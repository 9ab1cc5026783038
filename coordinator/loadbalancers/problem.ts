/** Something a user has to see on the object; `code` is documented in docs/errors.md. */
export interface Problem {
  readonly code: string;
  /** CamelCase, the Event's reason. */
  readonly reason: string;
  /** Names the object, the cause and the next step. */
  readonly message: string;
}
