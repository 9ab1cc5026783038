/**
 * `npm run release`: what a release consists of, in dist/: the list of parts (SBOM), checksums, and on standard output the
 * command that builds and pushes the image for both architectures. Refused while chart and package differ in version.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import packageJson from '../package.json' with { type: 'json' };
import { bundleProduct } from './bundle-product.ts';
import { run } from './child-process.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

async function output(command: string, ...args: string[]): Promise<string> {
  const { exitCode, output } = await run(command, args, { cwd: ROOT });
  if (exitCode !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${exitCode}: ${output.trim()}`);
  return output;
}

function readYaml<T>(path: string): T {
  return parse(readFileSync(join(ROOT, path), 'utf8')) as T;
}

/** The one place that names where the image goes by default is the chart. */
const { image } = readYaml<{ image: { repository: string } }>('charts/clb-direct/values.yaml');
const chart = readYaml<{ version: string; appVersion: string }>('charts/clb-direct/Chart.yaml');
const { version } = packageJson;
if (chart.version !== version || chart.appVersion !== version) {
  throw new Error(`package.json is ${version}, the chart ${chart.version} for ${chart.appVersion}: make them one`);
}
mkdirSync(DIST, { recursive: true });
const bundles = (await bundleProduct(DIST)).map(({ path }) => path);
const parts = join(DIST, `clb-direct-${version}.sbom.json`);
writeFileSync(parts, await output('npm', 'sbom', '--omit=dev', '--sbom-format=cyclonedx'));
const sums = [...bundles, parts].map(file => {
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
  return `${digest}  ${file.slice(DIST.length + 1)}\n`;
});
writeFileSync(join(DIST, 'SHA256SUMS'), sums.join(''));
const revision = (await output('git', 'rev-parse', 'HEAD')).trim();
console.log(`${sums.join('')}
docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=${version} --build-arg REVISION=${revision} \\
  --provenance=true --sbom=true --tag ${image.repository}:${version} --push .`);
