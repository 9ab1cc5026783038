import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const REPOSITORY = join(import.meta.dirname, '..');
/** The oldest Node that package.json allows. */
const TARGET = 'node22.19';
/** CommonJS packages ask for Node's own modules by `require`. */
const BANNER = "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);";
/** What `clb-direct` takes as its first word (cli.ts), each with the program for it. */
const PRODUCT_PROGRAMS = {
  agent: 'agent/main.ts',
  coordinator: 'coordinator/main.ts',
  inject: 'coordinator/inject/main.ts',
  release: 'coordinator/release/main.ts',
};

/**
 * Takes Node's own modules as CommonJS does. An `import` reads every export of theirs, also those that are loaded only when
 * they are read: that of `node:http` brings all of undici with it, for a WebSocket that nobody uses.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    const namespace = 'builtin';
    onResolve({ filter: /^[a-z:/_]+$/ }, ({ path, kind }) =>
      isBuiltin(path) && kind === 'import-statement' ? { path, namespace } : undefined,
    );
    onLoad({ filter: /./, namespace }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

export interface BundledFile {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Writes one file for each process into `folder`, with its source map beside it: `agent.mjs`,
 * `coordinator.mjs` and so on. Nothing else of the repository is needed to run them.
 */
export function bundleProduct(folder: string): Promise<readonly BundledFile[]> {
  return bundle(PRODUCT_PROGRAMS, folder);
}

/** Bundles programs of this repository by the same rules. `programs`: name of the output, path of the source. */
export async function bundle(
  programs: Readonly<Record<string, string>>,
  folder: string,
): Promise<readonly BundledFile[]> {
  const { metafile } = await build({
    absWorkingDir: REPOSITORY,
    entryPoints: programs,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: TARGET,
    format: 'esm',
    // The text of a program stays in memory as long as the program runs.
    minify: true,
    legalComments: 'none',
    sourcemap: 'external',
    banner: { js: BANNER },
    plugins: [lazyBuiltins],
    // grpc-js loads it for channelz and ORCA, which nothing here turns on; it is a third of the agent's text.
    external: ['@grpc/proto-loader'],
    metafile: true,
    logLevel: 'warning',
  });
  return Object.entries(metafile.outputs)
    .filter(([path]) => path.endsWith('.mjs'))
    .map(([path, { bytes }]) => ({ path: join(REPOSITORY, path), bytes }));
}
