import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterSettings } from './settings.ts';

const sourceFolder = join(import.meta.dirname, 'build');
const kubernetesVersion = '1.34.4';
const versionPackage = 'k8s.io/component-base/version';

interface Module {
  /** Folder under build/ with go.mod and go.sum. */
  readonly name: string;
  readonly packages: readonly string[];
  readonly linkerFlags: string;
}

const modules: readonly Module[] = [
  { name: 'pause', packages: ['.'], linkerFlags: '-s -w' },
  { name: 'etcd', packages: ['.'], linkerFlags: '-s -w' },
  {
    name: 'kubernetes',
    packages: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kubectl'].map(
      program => `k8s.io/kubernetes/cmd/${program}`,
    ),
    // Without them the programs call themselves v0.0.0-master.
    linkerFlags: `-s -w -X ${versionPackage}.gitVersion=v${kubernetesVersion} -X ${versionPackage}.gitMajor=1 -X ${versionPackage}.gitMinor=34`,
  },
  { name: 'helm', packages: ['helm.sh/helm/v4/cmd/helm'], linkerFlags: '-s -w' },
];

/** Folders with the built programs, for PATH; they exist after `buildPrograms`. */
export function programFolders(settings: ClusterSettings): string[] {
  return modules.map(module => outputFolder(settings, module));
}

/** Names of the modules that would be built now. */
export function missingModules(settings: ClusterSettings): string[] {
  return modules.filter(module => !existsSync(outputFolder(settings, module))).map(module => module.name);
}

/** Builds what the cache folder lacks; about 6 minutes on two cores the first time, nothing afterwards. */
export async function buildPrograms(settings: ClusterSettings, report: (line: string) => void): Promise<void> {
  for (const module of modules) {
    const output = outputFolder(settings, module);
    if (existsSync(output)) continue;
    report(`building ${module.name} with go (once; kubernetes takes about 5 minutes) ...`);
    const unfinished = `${output}.${process.pid}`;
    mkdirSync(unfinished, { recursive: true });
    try {
      await compile(module, unfinished);
      // The name appears only when everything is there, so an interrupted build is never taken for a complete one.
      renameSync(unfinished, output);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  }
}

function compile(module: Module, output: string): Promise<void> {
  const flags = ['build', '-trimpath', '-mod=readonly', '-ldflags', module.linkerFlags, '-o', `${output}/`];
  const child = spawn('go', [...flags, ...module.packages], {
    cwd: join(sourceFolder, module.name),
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', code => {
      if (code === 0) resolve();
      else reject(new Error(`go build of ${module.name} failed; its messages stand above`));
    });
  });
}

/** Keyed by all that decides what comes out: the files of the module's folder and the flags. */
function outputFolder(settings: ClusterSettings, module: Module): string {
  const hash = createHash('sha256').update(JSON.stringify(module));
  const folder = join(sourceFolder, module.name);
  for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(join(folder, file)));
  return join(settings.cacheFolder, `${module.name}-${hash.digest('hex').slice(0, 12)}`);
}
