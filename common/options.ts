import { parseArgs } from 'node:util';

/** One option of a process. Made by `text`, `integer`, `flag`, `choice`, `choices`. */
export interface Option<T> {
  readonly description: string;
  /** Shown in the usage: `--region TEXT`. Empty for flags, which take no value. */
  readonly placeholder: string;
  readonly isRequired: boolean;
  readonly defaultValue: T | undefined;
  /** @throws RangeError saying what is expected. */
  readonly parse: (text: string) => T;
}

/** Keys in camelCase: `leaseDurationMs` is `--lease-duration-ms` and `CLB_DIRECT_LEASE_DURATION_MS`. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

export type OptionValues<Table extends OptionTable> = {
  readonly [Key in keyof Table]: Table[Key] extends Option<infer T> ? T : never;
};

/** What the user gave cannot be used; the message is one line that names option, value and what is expected. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

type Presence<T> = { readonly default: T } | { readonly required: true } | { readonly optional: true };
type Given<T, P> = P extends { readonly optional: true } ? T | undefined : T;

/** Any text but the empty one. */
export function text<const P extends Presence<string>>(
  spec: { readonly description: string; readonly placeholder?: string } & P,
): Option<Given<string, P>> {
  return option(spec, spec.placeholder ?? 'TEXT', given => {
    if (given === '') throw new RangeError('must not be empty');
    return given;
  });
}

export function integer<const P extends Presence<number>>(
  spec: { readonly description: string; readonly minimum?: number; readonly maximum?: number } & P,
): Option<Given<number, P>> {
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = spec;
  const range = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  return option(spec, 'NUMBER', given => {
    const value = /^-?\d+$/.test(given) ? Number(given) : Number.NaN;
    if (!(value >= minimum && value <= maximum)) throw new RangeError(`must be a whole number ${range}`);
    return value;
  });
}

export function choice<const T extends string, const P extends Presence<NoInfer<T>>>(
  spec: { readonly description: string; readonly values: readonly T[] } & P,
): Option<Given<T, P>> {
  return option(spec, spec.values.join('|'), given => {
    const value = spec.values.find(candidate => candidate === given);
    if (value === undefined) throw new RangeError(`must be one of ${spec.values.join(', ')}`);
    return value;
  });
}

/** Some of the values, each once, with commas between them; `none` for none of them. */
export function choices<const T extends string, const P extends Presence<readonly NoInfer<T>[]>>(
  spec: { readonly description: string; readonly values: readonly T[] } & P,
): Option<Given<readonly T[], P>> {
  return option(spec, 'LIST', given => {
    const words = given === 'none' ? [] : given.split(',');
    const chosen = spec.values.filter(value => words.includes(value));
    if (chosen.length === words.length) return chosen;
    throw new RangeError(`must be none, or some of ${spec.values.join(', ')}, each once with commas between them`);
  });
}

/** A `host:port` to listen on or connect to; port 0 is any free one. */
export function address<const P extends Presence<string>>(
  spec: { readonly description: string } & P,
): Option<Given<string, P>> {
  return option(spec, 'HOST:PORT', given => {
    const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d{1,5})$/.exec(given) ?? [];
    if (!host || Number(port) > 65_535) throw new RangeError('must be host:port');
    return given;
  });
}

/** `--name` or `--no-name`; in the environment `true` or `false`. */
export function flag(spec: { readonly description: string; readonly default: boolean }): Option<boolean> {
  return option(spec, '', given => {
    if (given !== 'true' && given !== 'false') throw new RangeError('must be true or false');
    return given === 'true';
  });
}

/**
 * Reads the command line, else the environment, else the default. Secrets are no options: they would show in `ps`.
 * @throws OptionError for unknown, repeated, malformed and missing options, and for unknown `CLB_DIRECT_…` variables.
 */
export function parseOptions<Table extends OptionTable>(
  table: Table,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): OptionValues<Table> {
  const fromFlags = readFlags(table, argv);
  rejectUnknownVariables(table, environment);
  const values = Object.entries(table).map(([key, option]) => {
    const flagText = fromFlags.get(flagName(key));
    if (flagText !== undefined) return [key, parseValue(`--${flagName(key)}`, option, flagText)];
    const variableText = environment[variableName(key)];
    if (variableText !== undefined) return [key, parseValue(variableName(key), option, variableText)];
    if (option.isRequired) throw new OptionError(`--${flagName(key)} (or ${variableName(key)}) is required`);
    return [key, option.defaultValue];
  });
  return Object.fromEntries(values) as OptionValues<Table>;
}

/** Whether the user asks for `usage` instead. */
export function isHelpRequested(argv: readonly string[]): boolean {
  return argv.includes('--help') || argv.includes('-h');
}

/** The options, aligned, one or more lines each. */
export function usage(table: OptionTable): string {
  const rows = Object.entries(table).map(([key, option]) => ({
    left: `  --${flagName(key)} ${option.placeholder}`.trimEnd(),
    right: `${option.description}${remark(option)}`,
  }));
  const width = Math.max(...rows.map(row => row.left.length)) + 2;
  const lines = rows.map(row => `${row.left.padEnd(width)}${row.right}`);
  return `${lines.join('\n')}\n\nEach option is also read from the environment: --some-option from CLB_DIRECT_SOME_OPTION.\n`;
}

function option<T, P extends object>(
  spec: { readonly description: string } & P,
  placeholder: string,
  parse: (text: string) => T,
): Option<never> {
  const option: Option<T> = {
    description: spec.description,
    placeholder,
    isRequired: 'required' in spec,
    defaultValue: 'default' in spec ? (spec.default as T) : undefined,
    parse,
  };
  // The presence in `spec` decides whether undefined belongs to the type, which the callers' signatures tell.
  return option as Option<never>;
}

function readFlags(table: OptionTable, argv: readonly string[]): ReadonlyMap<string, string> {
  const options = Object.fromEntries(
    Object.entries(table).map(([key, { placeholder }]) => [
      flagName(key),
      { type: placeholder === '' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const given = new Map<string, string>();
  for (const token of tokensOf(argv, options)) {
    if (token.kind !== 'option') continue;
    if (given.has(token.name)) throw new OptionError(`--${token.name} is given twice`);
    given.set(token.name, token.value ?? String(!token.rawName.startsWith('--no-')));
  }
  return given;
}

function tokensOf(argv: readonly string[], options: Record<string, { type: 'boolean' | 'string' }>) {
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowNegative: true, tokens: true }).tokens;
  } catch (cause) {
    // Node adds advice about dashes that does not fit here.
    const [sentence] = (cause as Error).message.split(/\.\s/);
    throw new OptionError(`${sentence}; --help lists the options`, { cause });
  }
}

/** What Kubernetes adds to a Pod's environment for a Service whose name begins with `clb-direct`. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?$/;

function rejectUnknownVariables(table: OptionTable, environment: Readonly<Record<string, string | undefined>>): void {
  const known = new Set(Object.keys(table).map(variableName));
  const unknown = Object.keys(environment).find(
    name => name.startsWith('CLB_DIRECT_') && !known.has(name) && !SERVICE_LINK.test(name),
  );
  if (unknown) throw new OptionError(`environment variable ${unknown} is no option; --help lists the options`);
}

function parseValue<T>(source: string, option: Option<T>, text: string): T {
  try {
    return option.parse(text);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new OptionError(`${source}: '${text}' ${cause.message}`, { cause });
  }
}

function remark(option: Option<unknown>): string {
  if (option.isRequired) return ' (required)';
  return option.defaultValue === undefined ? '' : ` (default ${option.defaultValue})`;
}

function flagName(key: string): string {
  return key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}

function variableName(key: string): string {
  return `CLB_DIRECT_${flagName(key).replaceAll('-', '_').toUpperCase()}`;
}
