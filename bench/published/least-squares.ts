import assert from 'node:assert/strict';

/** One measurement: what it is made of, in the order of the coefficients, and what came out. */
export interface Sample {
  readonly terms: readonly number[];
  readonly value: number;
}

/**
 * The coefficients with the least sum of squared *relative* errors of `Σ coefficient × term`, since the rows of one
 * column differ by a factor of four and are compared in per cent.
 */
export function fitRelative(samples: readonly Sample[]): number[] {
  const scaled = samples.map(({ terms, value }) => terms.map(term => term / value));
  const size = scaled[0]?.length ?? 0;
  const sumOver = (of: (terms: readonly number[]) => number) => scaled.reduce((sum, terms) => sum + of(terms), 0);
  const indices = Array.from({ length: size }, (_, index) => index);
  const equations = indices.map(i => [
    ...indices.map(j => sumOver(terms => at(terms, i) * at(terms, j))),
    sumOver(terms => at(terms, i)),
  ]);
  return solve(equations);
}

/** Gauss and Jordan; the normal equations of few terms need no pivots. */
function solve(equations: number[][]): number[] {
  const reduced = equations.map(equation => [...equation]);
  for (const [i, pivot] of reduced.entries()) {
    assert(Math.abs(at(pivot, i)) > 1e-12, `coefficient ${i} cannot be told from the others`);
    for (const [k, other] of reduced.entries()) {
      const factor = k === i ? 0 : at(other, i) / at(pivot, i);
      for (const j of other.keys()) other[j] = at(other, j) - factor * at(pivot, j);
    }
  }
  return reduced.map((equation, i) => at(equation, equation.length - 1) / at(equation, i));
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  assert(value !== undefined);
  return value;
}
