/** The tables behind tools/structure.ts. To add a line here is a decision: say in the comment why it is needed. */

/** What the files of a folder may import from this repository. The longest folder that fits counts. */
export const FOLDERS: readonly { readonly folder: string; readonly mayImport: readonly string[] }[] = [
  { folder: 'coordinator/core/', mayImport: ['coordinator/core/', 'common/'] },
  { folder: 'coordinator/', mayImport: ['coordinator/', 'common/', 'proto/gen/'] },
  { folder: 'agent/', mayImport: ['agent/', 'common/', 'proto/gen/'] },
  { folder: 'common/', mayImport: ['common/', 'proto/gen/'] },
  { folder: 'sandbox/', mayImport: ['sandbox/', 'common/', 'proto/gen/'] },
];

/** Tests, benches and tools may import everything. `sandbox/main.ts` starts the processes of all parts. */
export const MAY_WIRE: readonly RegExp[] = [/^(test|bench|tools)\//, /\.(test|fixture)\.ts$/, /^sandbox\/main\.ts$/];

/** Packages of Node that the pure core may use. */
export const CORE_MODULES: readonly string[] = ['node:assert', 'node:assert/strict', 'node:util'];

/** Packages of Node that reach outside the process. */
export const OUTSIDE_MODULES: readonly string[] = [
  'node:child_process',
  'node:dgram',
  'node:dns',
  'node:dns/promises',
  'node:fs',
  'node:fs/promises',
  'node:http',
  'node:http2',
  'node:https',
  'node:net',
  'node:tls',
  'node:worker_threads',
];

/** Of `node:crypto`: works in other threads, so that the order of its results is not ours. */
export const OUTSIDE_CRYPTO: readonly string[] = ['webcrypto', 'subtle', 'generateKeyPair', 'pbkdf2', 'scrypt'];

/** What of the packages above only computes. */
export const COMPUTING_NAMES: readonly string[] = ['BlockList', 'isIP', 'isIPv4', 'isIPv6'];

/** Files that carry an edge to the outside: told by a word of their name, or one by one. */
export const CARRIERS: readonly RegExp[] = [
  /(^|\/)([a-z-]+-)?main\.ts$/,
  /[/-](carrier|connector|listener|plane|probe|process|server|transport)\.ts$/,
  /\/(grpc|https?|nft|proc|socket|tcp|udp)-[a-z-]+\.ts$/,
  // The kubeconfig and projected tokens are files.
  /^common\/kube\/(kubeconfig|token-source)\.ts$/,
  // The endpoint that switches faults on; production code never sees it.
  /^sandbox\/clb\/control\.ts$/,
  // Programs that stand for containers: always processes of their own.
  /^sandbox\/images\//,
  // The kubelet's processes, volumes and node network.
  /^sandbox\/kube\/kubelet\/(child-process-runtime|disk-volumes|node-directory|redirecting-network)\.ts$/,
  // Starts and wires the processes of the sandbox.
  /^sandbox\/(cluster|demo)\//,
  // WebCrypto makes keys and certificates in threads of its own.
  /(^|[/-])(certificate|certificates|x509-issuer)\.ts$/,
];

export const TIME_NAMES: readonly string[] = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'performance',
  'Date.now',
  'Date()',
  'new Date()',
  'AbortSignal.timeout',
  'process.hrtime',
  'process.uptime',
];
export const TIME_MODULES: readonly string[] = ['node:timers', 'node:timers/promises', 'node:perf_hooks'];
/** Yields to the event loop without a wait, which tests of sockets need. */
export const TIME_NAMES_IN_TESTS: readonly string[] = ['setImmediate'];
export const MAY_TELL_TIME: readonly RegExp[] = [
  /^common\/(virtual-)?clock\.ts$/,
  // Replaces them all by what throws, so that a simulation cannot use them unnoticed.
  /^test\/simulation\/forbid-real-world\.ts$/,
];

export const RANDOM_NAMES: readonly string[] = ['Math.random', 'crypto.randomUUID', 'crypto.getRandomValues'];
/** Of `node:crypto`. */
export const RANDOM_IMPORTS: readonly string[] = ['randomBytes', 'randomFill', 'randomInt', 'randomUUID'];
export const MAY_BE_RANDOM: readonly RegExp[] = [
  /^common\/random\.ts$/,
  // Keys and serial numbers of certificates have to be unpredictable, which a seeded random is not.
  /^coordinator\/webhook\/x509-issuer\.ts$/,
  /(^|[/-])(certificate|certificates)\.ts$/,
  // Tokens of loopback hooks: who can guess one can have a Pod taken out.
  /^coordinator\/webhook\/hook-token\.ts$/,
  // Tokens of the sandbox's API server, which have to be unpredictable too.
  /^sandbox\/kube\/api\/secure-random\.ts$/,
];

/** Entry points, tools that people run in a terminal, and tests of what is printed. */
export const MAY_PRINT: readonly RegExp[] = [
  /\.(test|fixture)\.ts$/,
  /(^|\/)([a-z-]+-)?main\.ts$/,
  /^cli\.ts$/,
  /^(tools|bench)\//,
  /^test\/cluster\//,
];

export const FUNCTION_LINES_MAX = 70;
export const FILE_LINES_MAX = 500;
/** Beyond it a file is only counted. */
export const FILE_LINES_AIM = 300;
