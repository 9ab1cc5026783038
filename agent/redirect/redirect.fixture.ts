/** Run by `redirect.test.ts`, with the means as its argument. Prints one line of JSON: what became of each call. */
import { spawnSync } from 'node:child_process';
import {
  call,
  IPV6_POD,
  makeNeighbours,
  makeNetwork,
  meansFromArguments,
  NODE,
  OTHER_POD,
  POD,
  ruleOf,
  startAgent,
  TOKEN,
} from './namespace.fixture.ts';

const means = meansFromArguments();
const never = new AbortController().signal;
makeNetwork();
if (means !== 'iptables-legacy') makeNeighbours('nft');
if (means !== 'iptables-nft') makeNeighbours('legacy');
const held: string[] = [];
const agent = await startAgent(means, async callee => {
  held.push('address' in callee ? callee.address : callee.podUid);
  return 'done';
});
const { redirect, port } = agent;

const before = await redirect.read(never);
await redirect.replace(ruleOf(1, '127.0.0.1', POD, IPV6_POD), never);
const hooked = await call({ host: POD });
const hookedIpv6 = await call({ host: IPV6_POD });
const token = await call({ host: '127.0.0.1', path: `/v1/drain/${TOKEN}` });
const wrongToken = await call({ host: '127.0.0.1', path: '/v1/drain/nonsense' });
const direct = await call({ host: '127.0.0.1', port, hostHeader: `${POD}:19440` });
const forged = await call({ host: '127.0.0.1', port, hostHeader: `${POD}:19440`, localAddress: NODE });
const anotherUser = spawnSync('curl', ['-s', '-m', '1', `http://127.0.0.1:19440/v1/drain/${TOKEN}`], { uid: 65_534 });
await redirect.replace(ruleOf(2, OTHER_POD), never);
const other = await call({ host: OTHER_POD });
const misnamed = await call({ host: OTHER_POD, hostHeader: `${POD}:19440` });
const lateChange = await redirect.change(ruleOf(1).owner, { added: [POD], removed: [] }, never).then(
  () => 'taken',
  () => 'refused',
);
await redirect.change(ruleOf(2).owner, { added: [POD], removed: [OTHER_POD] }, never);
const standing = await redirect.read(never);
await agent.stop();
console.log(
  JSON.stringify({
    before: before ?? 'nothing',
    hooked,
    hookedIpv6,
    token,
    wrongToken,
    direct,
    forged,
    isAnotherUserServed: anotherUser.status === 0,
    other,
    misnamed,
    lateChange,
    addresses: standing?.addresses,
    leadsHere: standing?.agentPort === port,
    held,
    refusals: agent.refusals,
  }),
);
