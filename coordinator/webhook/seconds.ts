/** Undefined when it is missing or not a whole number of seconds. */
export function wholeSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
