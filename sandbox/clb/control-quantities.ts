import { ClbError } from './clb-error.ts';
import { integer, type Parse } from './parameters.ts';

export const DURATION_MAX_MS = 3_600_000;
const COUNT_MAX = 1_000_000;

/** A number from 0, with or without decimals. */
export function quantity(high: number): Parse<number> {
  return (value, path) => {
    if (typeof value === 'number' && value >= 0 && value <= high) return value;
    throw new ClbError('InvalidParameterValue', `${path} must be a number from 0 to ${high}.`);
  };
}

export function countOf(low: number): Parse<number> {
  return integer(low, COUNT_MAX);
}

export const ms = quantity(DURATION_MAX_MS);
