# Two stages: packages from the lockfile, then nothing but the program and the Node that the lockfile names.
# `npm run check` lints this file; scripts/smoke-container runs the same layout without a container engine.

FROM docker.io/library/node:24-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No install scripts: native packages bring their binaries. What only other platforms or builders need goes.
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund \
 && find node_modules -path '*/prebuilds/*' ! -path '*/prebuilds/linux-*' -delete \
 && rm -rf node_modules/node-linux-*/include node_modules/node-linux-*/share
COPY LICENSE ./
COPY src ./src
RUN mkdir data

FROM docker.io/library/debian:trixie-slim
# What examines and converts images at an import (qemu-utils, xz-utils) and confines it (util-linux), and Ceph's libraries
# for stores of the type rbd and cinder.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libstdc++6 qemu-utils xz-utils util-linux librados2 librbd1 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /app/package.json /app/LICENSE /app/
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/src /app/src
COPY --from=build --chown=10001:10001 /app/data /var/lib/sundog
WORKDIR /app
ENV NODE_ENV=production
ENV SUNDOG_DATA_DIR=/var/lib/sundog
ENV SUNDOG_LISTEN=0.0.0.0:9292
ENV SUNDOG_PEER_LISTEN=/ip4/0.0.0.0/tcp/9293
ENV SUNDOG_AUTH=token
USER 10001:10001
VOLUME /var/lib/sundog
EXPOSE 9292 9293
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["/app/node_modules/.bin/node", "/app/src/main.ts", "node", "health"]
ENTRYPOINT ["/app/node_modules/.bin/node", "--max-semi-space-size=2", "/app/src/main.ts"]
CMD ["serve"]
