const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_DAYS = 365;

/** A duration as kubectl's AGE column shows it (k8s.io/apimachinery duration.HumanDuration). */
export function humanDuration(durationMs: number): string {
  if (durationMs < -SECOND_MS) return '<invalid>';
  if (durationMs < 0) return '0s';
  const seconds = Math.floor(durationMs / SECOND_MS);
  const minutes = Math.floor(durationMs / MINUTE_MS);
  const hours = Math.floor(durationMs / HOUR_MS);
  const days = Math.floor(durationMs / DAY_MS);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return joined(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return joined(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (hours < 192) return joined(days, 'd', hours % 24, 'h');
  if (days < 2 * YEAR_DAYS) return `${days}d`;
  const years = Math.floor(days / YEAR_DAYS);
  return years < 8 ? joined(years, 'y', days % YEAR_DAYS, 'd') : `${years}y`;
}

function joined(first: number, firstUnit: string, second: number, secondUnit: string): string {
  return second === 0 ? `${first}${firstUnit}` : `${first}${firstUnit}${second}${secondUnit}`;
}
