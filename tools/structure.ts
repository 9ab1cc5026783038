import { findCycles } from './import-cycles.ts';
import { type ImportFact, readSource, type SourceFacts } from './source-facts.ts';
import * as rules from './structure-rules.ts';

/** A rule of the house that a file breaks. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  /** What is wrong, and what to do. */
  readonly message: string;
}

export interface StructureReport {
  /** By path and line. */
  readonly findings: readonly Finding[];
  readonly files: number;
  /** Files longer than the aim of 300 lines. */
  readonly longFiles: readonly string[];
  readonly functionLinesMedian: number;
}

export interface SourceText {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Checks folders, imports, forbidden globals and sizes. Generated code is not to be passed in. */
export function checkStructure(files: readonly SourceText[]): StructureReport {
  const sources = files.map(({ path, text }) => readSource(path, text));
  const findings = [...sources.flatMap(checkFile), ...checkCycles(sources)];
  const functions = sources.filter(source => !isTest(source.path)).flatMap(source => source.functions);
  return {
    findings: findings.toSorted((a, b) => a.path.localeCompare(b.path) || a.line - b.line),
    files: files.length,
    longFiles: sources.filter(source => source.lines > rules.FILE_LINES_AIM).map(source => source.path),
    functionLinesMedian: median(functions.map(each => each.lines)),
  };
}

function checkFile(source: SourceFacts): Finding[] {
  const found = [
    ...checkFolders(source),
    ...checkOutside(source),
    ...checkTime(source),
    ...checkRandomness(source),
    ...checkPrinting(source),
    ...checkSizes(source),
  ];
  return found.map(finding => ({ path: source.path, ...finding }));
}

type Found = Omit<Finding, 'path'>;

function checkFolders({ path, imports }: SourceFacts): Found[] {
  const rule = rules.FOLDERS.find(({ folder }) => path.startsWith(folder));
  if (!rule || fits(path, rules.MAY_WIRE)) return [];
  const inCore = rule.folder === 'coordinator/core/';
  return imports
    .filter(each => !isAllowed(each, rule.mayImport, inCore))
    .map(({ target, line }) => ({
      line,
      message: `${rule.folder} may import only ${rule.mayImport.join(', ')}, not ${target}: pass it in as a value or an interface`,
    }));
}

function isAllowed({ target }: ImportFact, mayImport: readonly string[], inCore: boolean): boolean {
  if (mayImport.some(folder => target.startsWith(folder))) return true;
  const isOurs = /\.(ts|mjs)$/.test(target);
  return inCore ? rules.CORE_MODULES.includes(target) : !isOurs;
}

function checkOutside({ path, imports }: SourceFacts): Found[] {
  if (isFreeOfVirtualTime(path) || fits(path, rules.CARRIERS)) return [];
  return imports.filter(reachesOutside).map(({ target, line }) => ({
    line,
    message: `${target} stands only in carriers: put it behind an interface, into a file named *-transport.ts, *-carrier.ts or the like (tools/structure-rules.ts)`,
  }));
}

function reachesOutside({ target, names, typeOnly }: ImportFact): boolean {
  if (typeOnly) return false;
  if (target === 'node:crypto') return names.some(name => rules.OUTSIDE_CRYPTO.includes(name));
  if (!rules.OUTSIDE_MODULES.includes(target)) return false;
  return names.length === 0 || names.some(name => !rules.COMPUTING_NAMES.includes(name));
}

function checkTime({ path, imports, globals }: SourceFacts): Found[] {
  if (fits(path, rules.MAY_TELL_TIME)) return [];
  const modules = imports.filter(each => rules.TIME_MODULES.includes(each.target) && !each.typeOnly);
  const allowed = isTest(path) ? rules.TIME_NAMES_IN_TESTS : [];
  const uses = globals.filter(({ name }) => rules.TIME_NAMES.includes(name) && !allowed.includes(name));
  return [...modules.map(each => ({ name: each.target, line: each.line })), ...uses].map(({ name, line }) => ({
    line,
    message: `${name} bypasses the clock: take a Clock (common/clock.ts) as a parameter`,
  }));
}

function checkRandomness({ path, imports, globals }: SourceFacts): Found[] {
  if (fits(path, rules.MAY_BE_RANDOM)) return [];
  const names = imports
    .filter(each => each.target === 'node:crypto' && !each.typeOnly)
    .flatMap(({ names: imported, line }) => imported.map(name => ({ name, line })))
    .filter(each => rules.RANDOM_IMPORTS.includes(each.name));
  const uses = globals.filter(each => rules.RANDOM_NAMES.includes(each.name));
  return [...names, ...uses].map(({ name, line }) => ({
    line,
    message: `${name} cannot be replayed: take a Random (common/random.ts) as a parameter`,
  }));
}

function checkPrinting({ path, globals }: SourceFacts): Found[] {
  if (fits(path, rules.MAY_PRINT)) return [];
  return globals
    .filter(each => each.name === 'console')
    .map(({ line }) => ({ line, message: 'only entry points print: take a logger, or return the text' }));
}

function checkSizes({ path, lines, functions }: SourceFacts): Found[] {
  const tooLong = functions.filter(each => each.lines > rules.FUNCTION_LINES_MAX && !isTest(path));
  const found = tooLong.map(each => ({
    line: each.line,
    message: `a function of ${each.lines} lines (limit ${rules.FUNCTION_LINES_MAX}): split it by idea`,
  }));
  if (lines <= rules.FILE_LINES_MAX) return found;
  return [...found, { line: lines, message: `${lines} lines (limit ${rules.FILE_LINES_MAX}): split it by idea` }];
}

function checkCycles(sources: readonly SourceFacts[]): Finding[] {
  const known = new Set(sources.map(source => source.path));
  const edges = new Map(
    sources.map(({ path, imports }) => [path, imports.map(each => each.target).filter(target => known.has(target))]),
  );
  return findCycles(edges).map(cycle => {
    const [path = '', next] = cycle;
    const line = sources.find(each => each.path === path)?.imports.find(each => each.target === next)?.line ?? 1;
    return { path, line, message: `an import cycle: ${[...cycle, path].join(' → ')}` };
  });
}

/** Code that never runs in virtual time. */
function isFreeOfVirtualTime(path: string): boolean {
  return isTest(path) || /^(test|bench|tools)\//.test(path);
}

/** Tests, and what only they use. */
function isTest(path: string): boolean {
  return /\.(test|fixture)\.ts$/.test(path);
}

function fits(path: string, patterns: readonly RegExp[]): boolean {
  return patterns.some(pattern => pattern.test(path));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
