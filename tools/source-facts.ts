import { type Node, parseSync } from 'oxc-parser';

/** What the structure rules need to know of one source file. */
export interface SourceFacts {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly ImportFact[];
  /** Uses of globals that tell time, wait, draw random numbers or print. */
  readonly globals: readonly GlobalFact[];
  /** Functions with a body in braces; short arrow functions are left out. */
  readonly functions: readonly FunctionFact[];
}

export interface ImportFact {
  /** As written, or the repository path it leads to when it is relative. */
  readonly target: string;
  readonly names: readonly string[];
  readonly typeOnly: boolean;
  readonly line: number;
}

export interface GlobalFact {
  /** For example `Math.random`. */
  readonly name: string;
  readonly line: number;
}

export interface FunctionFact {
  readonly line: number;
  readonly lines: number;
}

const GLOBAL_FUNCTIONS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'performance', 'console']);
const GLOBAL_MEMBERS = new Set([
  'Math.random',
  'Date.now',
  'AbortSignal.timeout',
  'process.hrtime',
  'process.uptime',
  'crypto.randomUUID',
  'crypto.getRandomValues',
]);
const FUNCTION_TYPES = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
/** The only TypeScript nodes that hold something which runs. */
const RUNNING_TYPESCRIPT = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
]);

/** @throws Error naming the file when it does not parse. */
export function readSource(path: string, text: string): SourceFacts {
  const parsed = parseSync(path, text);
  const [firstError] = parsed.errors;
  if (firstError) throw new Error(`${path} does not parse: ${firstError.message}`);
  const lineOf = lineFinder(text);
  const imports: ImportFact[] = [];
  const globals: GlobalFact[] = [];
  const functions: FunctionFact[] = [];
  visit(parsed.program, undefined, '', (node, parent, key) => {
    const line = lineOf(node.start);
    const imported = importOf(node);
    if (imported) imports.push({ ...imported, target: resolve(path, imported.target), line });
    const name = globalOf(node, parent, key);
    if (name) globals.push({ name, line });
    if (hasBlockBody(node)) functions.push({ line, lines: lineOf(node.end) - line + 1 });
  });
  return { path, lines: lineOf(text.trimEnd().length), imports, globals, functions };
}

type Visitor = (node: Node, parent: Node | undefined, key: string) => void;

function visit(node: Node, parent: Node | undefined, key: string, visitor: Visitor): void {
  if (node.type.startsWith('TS') && !RUNNING_TYPESCRIPT.has(node.type)) return;
  visitor(node, parent, key);
  for (const [childKey, child] of Object.entries(node)) {
    for (const each of Array.isArray(child) ? child : [child]) {
      if (isNode(each)) visit(each, node, childKey, visitor);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function hasBlockBody(node: Node): boolean {
  return FUNCTION_TYPES.has(node.type) && 'body' in node && isNode(node.body) && node.body.type === 'BlockStatement';
}

function importOf(node: Node): Omit<ImportFact, 'line'> | undefined {
  switch (node.type) {
    case 'ImportDeclaration': {
      const valued = node.specifiers.filter(each => !('importKind' in each) || each.importKind !== 'type');
      const names = valued.map(each => (each.type === 'ImportSpecifier' ? textOf(each.imported) : '*'));
      const typeOnly = node.importKind === 'type' || (node.specifiers.length > 0 && valued.length === 0);
      return { target: node.source.value, names, typeOnly };
    }
    case 'ExportAllDeclaration':
      return { target: node.source.value, names: ['*'], typeOnly: node.exportKind === 'type' };
    case 'ExportNamedDeclaration': {
      if (!node.source) return undefined;
      const valued = node.specifiers.filter(each => each.exportKind !== 'type');
      const names = valued.map(each => textOf(each.local));
      return { target: node.source.value, names, typeOnly: node.exportKind === 'type' || valued.length === 0 };
    }
    case 'ImportExpression':
      if (node.source.type !== 'Literal' || typeof node.source.value !== 'string') return undefined;
      return { target: node.source.value, names: ['*'], typeOnly: false };
    default:
      return undefined;
  }
}

function textOf(node: Node): string {
  if (node.type === 'Identifier') return node.name;
  return node.type === 'Literal' ? String(node.value) : '';
}

function globalOf(node: Node, parent: Node | undefined, key: string): string | undefined {
  if (node.type === 'MemberExpression') return memberGlobal(node);
  if (node.type === 'NewExpression' && isDate(node.callee) && node.arguments.length === 0) return 'new Date()';
  if (node.type === 'CallExpression' && isDate(node.callee)) return 'Date()';
  if (node.type !== 'Identifier' || !GLOBAL_FUNCTIONS.has(node.name)) return undefined;
  return isReference(parent, key) ? node.name : undefined;
}

function memberGlobal(node: Extract<Node, { type: 'MemberExpression' }>): string | undefined {
  if (node.object.type !== 'Identifier') return undefined;
  const member = textOf(node.property);
  if (node.object.name === 'globalThis' && GLOBAL_FUNCTIONS.has(member)) return member;
  const name = `${node.object.name}.${member}`;
  return GLOBAL_MEMBERS.has(name) ? name : undefined;
}

function isDate(node: Node): boolean {
  return node.type === 'Identifier' && node.name === 'Date';
}

/** False for the names of members and of what is imported or exported. */
function isReference(parent: Node | undefined, key: string): boolean {
  if (!parent || /^(Import|Export).*Specifier$/.test(parent.type)) return false;
  const named = key === 'property' || key === 'key';
  return !named || ('computed' in parent && parent.computed === true);
}

/** Where a relative import leads to; others stay as they are. */
function resolve(from: string, target: string): string {
  if (!target.startsWith('.')) return target;
  return new URL(target, `file:///${from}`).pathname.slice(1);
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0, ...Array.from(text.matchAll(/\n/g), match => match.index + 1)];
  return offset => {
    let low = 0;
    for (let high = starts.length; high - low > 1; ) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
