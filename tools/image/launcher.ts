import { AGENT_NODE_FLAGS } from '../node-flags.ts';

/** Where the bundles are in the image. */
export const BUNDLE_FOLDER = '/opt/clb-direct';

/**
 * What a container starts. Process 1 of a container gets no signal that it has no handler for: a SIGTERM in Node's first second
 * was lost, and its Pod stayed for the whole grace. tini hands signals on to what is not process 1.
 */
export const ENTRYPOINT = ['/usr/bin/tini', '--', '/usr/local/bin/clb-direct'];

/** What of the product the image runs, each a bundle of its own with Node's flags for it. */
export const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  agent: AGENT_NODE_FLAGS,
  coordinator: [],
  inject: [],
  release: [],
};

/** The text of `/usr/local/bin/clb-direct`: the command's own bundle, in the place of the shell. */
export function launcherScript(version: string): string {
  const cases = Object.entries(COMMANDS).map(([command, flags]) => {
    const words = ['node', ...flags, `${BUNDLE_FOLDER}/${command}.mjs`, '"$@"'];
    return `  ${command}) shift; exec ${words.join(' ')} ;;`;
  });
  const usage = `Usage: clb-direct ${Object.keys(COMMANDS).join('|')} [options]; --help after one of them lists its options`;
  return `#!/bin/sh
# Made by tools/image/launcher.ts.
case "$1" in
${cases.join('\n')}
  --help | -h) echo "${usage}" ;;
  --version) echo "clb-direct ${version}" ;;
  *) echo "${usage}" >&2; exit 2 ;;
esac
`;
}
