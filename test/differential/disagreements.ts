/** Where two values differ: dotted paths, with what stands there on either side as JSON. */
export interface Disagreement {
  readonly path: string;
  /** Empty: nothing. */
  readonly sandbox: string;
  readonly real: string;
}

export function disagreements(sandbox: unknown, real: unknown, path = ''): Disagreement[] {
  if (!isContainer(sandbox) || !isContainer(real) || Array.isArray(sandbox) !== Array.isArray(real)) {
    const [left = '', right = ''] = [JSON.stringify(sandbox), JSON.stringify(real)];
    return left === right ? [] : [{ path, sandbox: left, real: right }];
  }
  const keys = [...new Set([...Object.keys(sandbox), ...Object.keys(real)])];
  return keys.flatMap(key => disagreements(sandbox[key], real[key], path === '' ? key : `${path}.${key}`));
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
