import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlPlaneAddress, nodeAddress, podSubnet, registryUrl } from './addresses.ts';
import { nodeCgroup } from './cgroups.ts';
import { certificateFiles } from './credentials.ts';
import { networkPluginFolder } from './prerequisites.ts';
import { type ClusterPaths, type ClusterSettings, clusterPaths } from './settings.ts';

/** Below the folders that node.sh mounts over the machine's /var/lib, /var/log and /run. */
const nodeFolders = ['var/lib/kubelet', 'var/lib/containerd', 'var/lib/cni', 'var/log', 'run'];

/** Where Debian's containerd looks for the registry's address when an image has no registry in its name. */
const defaultRegistry = 'docker.io';

/** Writes everything the node reads at its start. What a reboot would have removed is removed. */
export function writeNodeFiles(settings: ClusterSettings, node: string): void {
  const paths = clusterPaths(settings);
  const files = paths.node(node);
  rmSync(join(files.folder, 'run'), { recursive: true, force: true });
  for (const folder of nodeFolders) mkdirSync(join(files.folder, folder), { recursive: true });
  writeJson(files.kubeletConfig, kubeletConfig(settings, paths, node));
  writeFileSync(files.containerdConfig, containerdConfig(paths, node));
  mkdirSync(files.containerNetworks, { recursive: true });
  writeJson(join(files.containerNetworks, '10-pods.conflist'), podNetwork(node));
  mkdirSync(join(files.registryHosts, defaultRegistry), { recursive: true });
  writeFileSync(join(files.registryHosts, defaultRegistry, 'hosts.toml'), registryHosts);
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, JSON.stringify(value, undefined, 2));
}

/** The `image` of the sandbox's first process. */
const pauseImage = 'docker.io/library/pause:latest';

const registryHosts = `server = "${registryUrl}"

[host."${registryUrl}"]
  capabilities = ["pull", "resolve"]
`;

function containerdConfig(paths: ClusterPaths, node: string): string {
  const files = paths.node(node);
  // restrict_oom_score_adj: root without CAP_SYS_RESOURCE may not lower the score, and runc would fail on a sandbox's -998.
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  disable_apparmor = true
  disable_tcp_service = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${files.registryHosts}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${networkPluginFolder}"
    conf_dir = "${files.containerNetworks}"
`;
}

function podNetwork(node: string) {
  const ipam = { type: 'host-local', ranges: [[{ subnet: podSubnet(node) }]] };
  const network = { type: 'bridge', bridge: 'cni0', isGateway: true, isDefaultGateway: true, ipMasq: false };
  return { cniVersion: '0.4.0', name: 'pods', plugins: [{ ...network, hairpinMode: true, ipam }] };
}

function kubeletConfig(settings: ClusterSettings, paths: ClusterPaths, node: string) {
  const files = certificateFiles(paths);
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    address: nodeAddress(node),
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: files.authority },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: files.kubelet(node).certificate,
    tlsPrivateKeyFile: files.kubelet(node).privateKey,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${nodeCgroup(settings, node)}`,
    enforceNodeAllocatable: ['pods'],
    failSwapOn: false,
    // There is no cluster DNS: names fail at once, since nothing listens there. The machine's own settings stay outside.
    clusterDNS: [controlPlaneAddress],
    resolvConf: '',
    clusterDomain: 'cluster.local',
    // The nodes share one disk and one memory: never evict for the machine's own use.
    evictionHard: {
      'memory.available': '50Mi',
      'nodefs.available': '1%',
      'nodefs.inodesFree': '1%',
      'imagefs.available': '1%',
    },
    imageGCHighThresholdPercent: 100,
    serializeImagePulls: false,
    maxPods: 110,
    nodeStatusUpdateFrequency: '5s',
    // Fresh ConfigMap and Secret contents within seconds.
    syncFrequency: '10s',
    shutdownGracePeriod: '0s',
    // At verbosity 3 the kubelet tells when it calls a preStop hook; JSON carries exact times (see records.ts).
    logging: { format: 'json', verbosity: 3 },
  };
}
