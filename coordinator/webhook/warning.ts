/** The API server cuts longer warnings. */
const WARNING_LENGTH_MAX = 256;
/** User-written text is quoted in warnings up to this length. */
const QUOTED_LENGTH_MAX = 32;

export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, QUOTED_LENGTH_MAX));
}

export function bounded(warning: string): string {
  return warning.length <= WARNING_LENGTH_MAX ? warning : `${warning.slice(0, WARNING_LENGTH_MAX - 1)}…`;
}
