/** A line of docs/errors.md. Each part of the product keeps its own catalogue of them. */
export interface DocumentedError {
  readonly code: string;
  readonly meaning: string;
  readonly cause: string;
  readonly fix: string;
}

/** The lines that docs/errors.md must hold for these errors. */
export function errorRows(errors: readonly DocumentedError[]): string[] {
  return errors.map(({ code, meaning, cause, fix }) => `| ${code} | ${meaning} | ${cause} | ${fix} |`);
}

/** The lines of a page whose code begins with `prefix` (for example `CD2`), in order. */
export function documentedRows(page: string, prefix: string): string[] {
  return page.split('\n').filter(line => line.startsWith(`| ${prefix}`));
}
