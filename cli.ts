/** `clb-direct agent|coordinator|inject|release`: what the image runs. Only the part that is asked for is loaded. */

const USAGE = `Usage: clb-direct agent|coordinator|inject|release [options]

  agent        on every node: holds preStop until the load balancer has let the Pod go, and reports its Pods
  coordinator  two or three replicas: bind Pods to load balancers
  inject       prints manifests with readiness gate, preStop hook and grace period, for clusters without the webhook
  release      hands the cluster back before clb-direct is removed

clb-direct agent --help and so on list the options.`;

const BAD_CONFIGURATION = 2;

async function main([command, ...argv]: readonly string[]): Promise<number> {
  switch (command) {
    case 'agent':
      return (await import('./agent/main.ts')).main(argv, process.env);
    case 'coordinator':
      return (await import('./coordinator/main.ts')).main(argv, process.env);
    case 'inject':
      return (await import('./coordinator/inject/main.ts')).main(argv, process.env);
    case 'release':
      return (await import('./coordinator/release/main.ts')).main(argv, process.env);
    case '--help':
    case '-h':
      console.log(USAGE);
      return 0;
    default:
      console.error(
        `clb-direct: ${command === undefined ? 'no command' : `no command '${command}'`}; --help lists them`,
      );
      return BAD_CONFIGURATION;
  }
}

process.exit(await main(process.argv.slice(2)));
