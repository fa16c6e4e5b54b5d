# Plumbline in an image: only what runs, as a user without rights. Exposed: OTLP over gRPC 4317 and HTTP 4318, SQL 8123 (with
# the embedded ClickHouse), page and API 4320. State: /var/lib/plumbline (spool, and the embedded ClickHouse's data).
#   docker build -t plumbline .                            with the embedded ClickHouse (its engine is 540 MB)
#   docker build -t plumbline --build-arg EMBEDDED=false . for a ClickHouse server or cluster (CLICKHOUSE_URL) only
ARG NODE_IMAGE=node:22.23.3-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Scripts of packages are not run: the engine's binaries are in packages of their own.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts
ARG EMBEDDED=true
RUN if [ "$EMBEDDED" = false ]; then rm -rf node_modules/chdb node_modules/@chdb; fi

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    PLUMBLINE_HOST=0.0.0.0 \
    PLUMBLINE_DATA_DIR=/var/lib/plumbline
WORKDIR /app
RUN install -d -o node -g node /var/lib/plumbline
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY docs ./docs
COPY catalogue ./catalogue
COPY clickhouse ./clickhouse
COPY proto ./proto
# The user node of the image, by number, so that whoever runs it can see that it is not root.
USER 1000:1000
VOLUME /var/lib/plumbline
EXPOSE 4317 4318 4320 8123
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PLUMBLINE_WEB_PORT || 4320) + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM reaches it directly: it finishes within PLUMBLINE_SHUTDOWN_MS and keeps the rest in the spool.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/dist/start.cjs"]
CMD ["serve"]
