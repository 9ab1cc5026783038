#!/usr/bin/env bash
# First process of one node, in mount, uts, net, ipc and pid namespaces of its own (see nodes.ts).
# Ending it ends everything on the node: the kernel kills the rest of the pid namespace.
# Environment: NODE, NODE_FOLDER, NODE_ADDRESS, GATEWAY, POD_ROUTES ("SUBNET ADDRESS" per line),
# API_SERVICE and API_SERVER (address:port), KUBECONFIG_NODE.
set -euo pipefail

hostname "$NODE"
# Mounts made here never reach the machine (unshare has made / private) but do reach the containers.
mount --make-rshared /
for folder in var/lib var/log run; do
  mount --bind "$NODE_FOLDER/$folder" "/$folder"
done

until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done   # nodes.ts moves one end of a pair in here
ip link set lo up
ip addr add "$NODE_ADDRESS/24" dev eth0
ip link set eth0 up
ip route add default via "$GATEWAY"
# A cluster of one node has no routes, which reads as one empty line.
while read -r subnet address; do [[ -z $subnet ]] || ip route add "$subnet" via "$address"; done <<<"$POD_ROUTES"
echo 1 >/proc/sys/net/ipv4/ip_forward

# In the place of kube-proxy: the API server's own Service, from Pods (prerouting) and from the node (output).
nft -f - <<RULES
table ip cluster {
  chain prerouting {
    type nat hook prerouting priority dstnat
    ip daddr ${API_SERVICE%:*} tcp dport ${API_SERVICE#*:} dnat to $API_SERVER
  }
  chain output {
    type nat hook output priority -100
    ip daddr ${API_SERVICE%:*} tcp dport ${API_SERVICE#*:} dnat to $API_SERVER
  }
}
RULES

keep() { # NAME LOG CMD...: runs CMD, again whenever it ends, so killing the pid in /run/NAME.pid is a restart test
  local name=$1 log=$2
  shift 2
  while :; do
    "$@" >>"/var/log/$log" 2>&1 &
    echo $! >"/run/$name.pid"
    wait $! || true
    sleep 0.2
  done
}

keep containerd containerd.log containerd --config "$NODE_FOLDER/containerd.toml" &
until ctr version >/dev/null 2>&1; do sleep 0.05; done
keep container-events container-events.log ctr --namespace k8s.io events &
keep kubelet kubelet.log kubelet --config "$NODE_FOLDER/kubelet.json" --kubeconfig "$KUBECONFIG_NODE" \
  --hostname-override "$NODE" --node-ip "$NODE_ADDRESS" --cert-dir /var/lib/kubelet/pki &
# As the first process it also collects the orphans of the containers' shims while it waits.
wait
