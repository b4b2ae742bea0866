# One image for every service; the compose file chooses the program. Multi-stage: nothing of the toolchain stays.
FROM node:20.20.2-bookworm-slim AS console
WORKDIR /src
COPY dashboards/console/package.json dashboards/console/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY dashboards/console ./
RUN npm run build

FROM rust:1.95.0-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential pkg-config cmake libssl-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --locked --release -p audit -p ingest -p processor -p query-api -p reporter -p aal-sealer -p aal-readback

FROM debian:bookworm-20260202-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl libssl3 zlib1g wkhtmltopdf fonts-dejavu-core fonts-liberation \
    && rm -rf /var/lib/apt/lists/* && useradd --system --uid 10001 --home-dir /var/lib/audit --create-home audit
COPY --from=build /src/target/release/audit /src/target/release/ingest /src/target/release/processor /src/target/release/query-api \
     /src/target/release/reporter /src/target/release/sealer /src/target/release/readback /usr/local/bin/
COPY --from=console /src/dist /usr/share/audit/console
USER 10001
WORKDIR /var/lib/audit
CMD ["audit", "--help"]
