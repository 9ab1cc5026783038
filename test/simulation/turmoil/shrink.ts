/**
 * The shortest list that it can find in which `fails` still holds, by leaving out ever smaller parts (delta debugging).
 * @param triesMax how often it may ask
 */
export async function shrink<T>(
  whole: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
  triesMax: number,
): Promise<readonly T[]> {
  let kept = whole;
  let parts = 2;
  let tries = 0;
  while (kept.length > 0 && tries < triesMax) {
    const shorter = await leaveOneOut(kept, parts, async part => {
      tries += 1;
      return tries <= triesMax && (await fails(part));
    });
    if (shorter) {
      kept = shorter;
      parts = Math.max(2, parts - 1);
    } else if (parts >= kept.length) return kept;
    else parts = Math.min(kept.length, parts * 2);
  }
  return kept;
}

/** The first list without one of the parts that still fails. */
async function leaveOneOut<T>(
  list: readonly T[],
  parts: number,
  fails: (part: readonly T[]) => Promise<boolean>,
): Promise<readonly T[] | undefined> {
  const size = Math.ceil(list.length / parts);
  for (let start = 0; start < list.length; start += size) {
    const rest = [...list.slice(0, start), ...list.slice(start + size)];
    if (await fails(rest)) return rest;
  }
  return undefined;
}
