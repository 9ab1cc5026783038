/** Looks for secrets where they must not be. */

/** Each secret found in a place, as `NAME in PLACE`. @param secrets values by name; PEM and JWT are found by their secret part. */
export function leaks(secrets: Readonly<Record<string, string>>, places: Readonly<Record<string, string>>): string[] {
  return Object.entries(secrets).flatMap(([name, value]) => {
    const traces = tracesOf(value);
    return Object.entries(places)
      .filter(([, text]) => traces.some(trace => text.includes(trace)))
      .map(([place]) => `${name} in ${place}`);
  });
}

/** What tells a value wherever it was copied, whole, in part or in base64. */
function tracesOf(value: string): string[] {
  const pemBody = /-----BEGIN[^-]+-----\s*([^-]+)/.exec(value)?.[1];
  if (pemBody !== undefined) {
    // In most keys the first line tells the algorithm alone.
    const lines = pemBody.trim().split(/\s+/);
    return [lines[1] ?? lines[0] ?? '', Buffer.from(value).toString('base64')];
  }
  const signature = /^[\w-]+\.[\w-]+\.([\w-]{20,})$/.exec(value)?.[1];
  return signature !== undefined ? [signature] : [value, Buffer.from(value).toString('base64')];
}
