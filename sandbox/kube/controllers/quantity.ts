const SUFFIXES: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity ("500m", "64Mi", "4") as a number; 0 for what is absent or unreadable. */
export function parseQuantity(quantity: string | number | undefined): number {
  const [, number, suffix = ''] = /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(String(quantity ?? '')) ?? [];
  if (number === undefined) return 0;
  return Number(number) * (suffix === '' ? 1 : (SUFFIXES[suffix] ?? 0));
}
