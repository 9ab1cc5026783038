# The image of releases: docker buildx build --platform linux/amd64,linux/arm64 (npm run release-image writes the whole command).
# For a try without Docker: npm run image.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

# Bundles are the same for all architectures.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS bundles
WORKDIR /source
COPY package.json package-lock.json ./
# Without install scripts: esbuild's binary is a package of its own, and Node is there.
RUN npm ci --no-audit --no-fund --ignore-scripts
COPY . .
RUN node tools/image/bundles-main.ts /out

FROM ${NODE_IMAGE} AS node

FROM ${BASE_IMAGE}
# tini: process 1. nft, iptables: redirect preStop calls. ss, nsenter: tell idle connections. curl: probes of the agent.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends curl iproute2 iptables nftables tini util-linux \
  && rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/*
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=bundles /out/opt/clb-direct /opt/clb-direct
COPY --from=bundles /out/usr /usr
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="clb-direct" \
  org.opencontainers.image.description="Binds Tencent Cloud Load Balancer straight to Kubernetes Pod IPs and makes every Pod change lossless." \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
# The agent runs as root, which its DaemonSet says; the others do not.
USER 65532:65532
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/clb-direct"]
