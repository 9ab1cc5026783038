import type { Clock } from '../../common/clock.ts';
import { namesFrom } from '../../common/instance-options.ts';
import { httpsKubeTransport } from '../../common/kube/https-transport.ts';
import { loadKubeConfig } from '../../common/kube/kubeconfig.ts';
import { listenAddress } from '../../common/listen-address.ts';
import { httpMetadata } from '../node/http-metadata.ts';
import type { AgentOptionValues } from '../options.ts';
import { runCommand } from '../redirect/command-process.ts';
import { tryNft } from '../redirect/nft-redirect.ts';
import { nodeFirewall } from '../redirect/proc-firewall.ts';
import { chooseRedirect } from '../redirect/redirect-choice.ts';
import { grpcReportConnector, tryCoordinator } from '../report/grpc-connector.ts';
import { GrpcRuntimeClient } from '../runtime/grpc-runtime-client.ts';
import type { Check } from './check.ts';
import { coordinatorCheck } from './coordinator-checks.ts';
import { kubeChecks } from './kube-checks.ts';
import { authorityCheck, procCheck, tokenCheck } from './proc-check.ts';
import { dbusCheck, portCheck } from './socket-checks.ts';

export interface NodeChecksOptions {
  readonly values: AgentOptionValues;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

/** Everything that an agent with these options needs or can use of its node. */
export function nodeChecks({ values, environment, clock }: NodeChecksOptions): Check[] {
  const { coordinator, coordinatorCaFile, tokenFile, nodeName, kubeconfig, procRoot, httpListen } = values;
  const report = { ...listenAddress(coordinator), certificateAuthorityFile: coordinatorCaFile, tokenFile };
  const { resolve } = grpcReportConnector(report);
  const attempt = (address: string, signal: AbortSignal) => tryCoordinator(report, address, signal);
  const kube = async () => httpsKubeTransport(await loadKubeConfig({ kubeconfigPath: kubeconfig, environment }));
  return [
    ...kubeChecks({ kube, nodeName }),
    authorityCheck(coordinatorCaFile),
    tokenCheck(tokenFile, { nodeName, wallNowMs: clock.wallNow() }),
    coordinatorCheck({ coordinator, resolve, attempt }),
    procCheck(procRoot),
    redirectCheck(values),
    ...(values.runtime === 'none' ? [] : [runtimeCheck(values.runtimeSocket)]),
    ...(values.dbusSocket === 'none' ? [] : [dbusCheck(values.dbusSocket)]),
    ...(values.metadataAddress === 'none' ? [] : [metadataCheck(values.metadataAddress)]),
    portCheck('--http-listen', listenAddress(httpListen)),
    ...(values.drainListen === undefined ? [] : [portCheck('--drain-listen', listenAddress(values.drainListen))]),
  ];
}

function redirectCheck({ redirect, nftCommand, procRoot, ...instance }: AgentOptionValues): Check {
  const names = namesFrom(instance);
  const list = (command: string, signal: AbortSignal) =>
    runCommand({ command, args: ['-t', 'nat', '-S', 'OUTPUT'] }, signal);
  return {
    name: 'redirect',
    remedy:
      "give the agent nft or iptables, and the capability NET_ADMIN in the node's own network (hostNetwork: true)",
    look: async signal => {
      if (redirect === 'off') return 'none, as --redirect says: only calls that carry a token are held';
      if (redirect === 'auto') {
        const { means, refusals } = await chooseRedirect(
          await nodeFirewall({ procRoot, nftCommand, names, run: runCommand }),
          signal,
        );
        if (means === 'off') throw new Error(refusals.join('; '));
        return [`by ${means}`, ...refusals].join('; ');
      }
      await (redirect === 'nft'
        ? tryNft({ run: runCommand, command: nftCommand, names }, signal)
        : list(redirect, signal));
      return `by ${redirect}, as --redirect says`;
    },
  };
}

function metadataCheck(hostAndPort: string): Check {
  return {
    name: 'cloud metadata',
    without: 'nobody tells before a spot instance is taken back',
    remedy: 'on machines of Tencent Cloud let the node reach it; elsewhere give --metadata-address none',
    look: async signal => {
      const { status, body } = await httpMetadata(hostAndPort).get('/latest/meta-data/instance-id', signal);
      if (status !== 200) throw new Error(`${hostAndPort} answers with status ${status}`);
      return `of instance ${body.trim().slice(0, 64)}`;
    },
  };
}

function runtimeCheck(socketPath: string): Check {
  return {
    name: 'container runtime',
    without: "container exits are told by the Pods' statuses, about a second later",
    remedy: `mount the folder of ${socketPath} from the host, or name the socket with --runtime-socket`,
    look: async signal => {
      const client = new GrpcRuntimeClient(socketPath);
      try {
        const { runtimeName, runtimeVersion } = await client.version(signal);
        return `${runtimeName} ${runtimeVersion}`;
      } finally {
        client.close();
      }
    },
  };
}
