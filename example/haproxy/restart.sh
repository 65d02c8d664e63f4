#!/usr/bin/env bash
# restart.sh [FOLDER]: a rolling restart behind HAProxy. Runs haproxy (or HAPROXY_TEST_BIN) with haproxy.cfg, three servers
# and a caller, restarts one server after the other, and prints how the calls ended. FOLDER keeps what they say. The
# servers' ports are PORT with 1, 2 and 3 behind it.
set -euo pipefail
cd "$(dirname "$0")"
haproxy=${HAPROXY_TEST_BIN:-$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v haproxy)}
RUN=$(mktemp -d) # the path of a socket has at most 107 bytes
export RUN PORT=${PORT:-1710}
out=${1:-$RUN}
declare -A pids

finish() {
	kill "${pids[@]}" 2>/dev/null || true
	wait || true
	rm -rf "$RUN"
}
trap finish EXIT

go build -o "$RUN/server" ./server
go build -o "$RUN/caller" ./caller

"$haproxy" -f haproxy.cfg >"$out/haproxy.log" 2>&1 &
pids[haproxy]=$!

# start runs a server, and waits until it is in service.
start() {
	local log=$out/s$1.log before
	touch "$log"
	before=$(wc -l <"$log")
	"$RUN/server" -listen "127.0.0.1:$PORT$1" -server "s$1" -admin "unix:$RUN/admin.sock" >>"$log" 2>&1 &
	pids[s$1]=$!
	for _ in {1..200}; do
		! tail -n +$((before + 1)) "$log" | grep ' registered ' >/dev/null || return 0
		sleep 0.05
	done
	echo "s$1 does not come into service:" >&2
	cat "$out"/*.log >&2
	return 1
}

for s in 1 2 3; do start "$s"; done
"$RUN/caller" -target "unix://$RUN/front.sock" >"$out/caller.log" 2>&1 &
pids[caller]=$!
sleep 1

for s in 1 2 3; do
	began=${EPOCHREALTIME/./}
	kill "${pids[s$s]}"
	wait "${pids[s$s]}"
	echo "s$s has left after $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
	start "$s"
done
sleep 1

for name in caller s1 s2 s3; do
	kill "${pids[$name]}"
	wait "${pids[$name]}"
	unset "pids[$name]"
done
calls=$(sed -n 's/^calls //p' "$out/caller.log")
executed=$(($(cat "$out"/s[123].log | sed -n 's/^executed //p' | paste -sd+)))
echo "$calls calls, $(sed -n 's/^failed //p' "$out/caller.log") failed, $((executed - calls)) run twice"
