import { ClbError } from './clb-error.ts';

/** Of `SessionExpireTime`: on layer 4 by the client's address, on layer 7 by a cookie. */
export const LISTENER_SESSION_MAX_SECONDS = 3_600;
export const RULE_SESSION_MAX_SECONDS = 86_400;

/** @throws ClbError when the session is too short, or the scheduler keeps none. */
export function checkSession(seconds: number, scheduler: string): void {
  if (seconds === 0) return;
  if (seconds < 30) throw new ClbError('InvalidParameterValue', 'SessionExpireTime must be 0, or 30 and more.');
  if (scheduler !== 'WRR') throw new ClbError('InvalidParameter', 'SessionExpireTime needs the scheduler WRR.');
}
