/** A value as Grafana writes it in a unit of its own, near enough for a picture. */
export function formatValue(value: number, unit: string): string {
  switch (unit) {
    case 's':
      return formatSeconds(value);
    case 'bytes':
      return value >= 2 ** 30 ? `${rounded(value / 2 ** 30)} GiB` : `${rounded(value / 2 ** 20)} MiB`;
    case 'percentunit':
      return `${rounded(value * 100)} %`;
    case 'ops':
      return `${rounded(value)} ops/s`;
    case 'reqps':
      return `${rounded(value)} req/s`;
    default:
      return rounded(value);
  }
}

function formatSeconds(seconds: number): string {
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (size < 1) return `${rounded(seconds * 1_000)} ms`;
  if (size < 120) return `${rounded(seconds)} s`;
  if (size < 7_200) return `${rounded(seconds / 60)} min`;
  return size < 172_800 ? `${rounded(seconds / 3_600)} h` : `${rounded(seconds / 86_400)} d`;
}

function rounded(value: number): string {
  if (value === 0) return '0';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return Number(value.toFixed(digits)).toString();
}
