# Sourced by the interop suites: starts a server to work on and ends it with the script.
# shellcheck shell=bash
# shellcheck source=packages.sh
. "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
server_pid=
server_container=
server_dir=
# Lines that a suite adds to the zoo.cfg of ours.
more_of_zoo_cfg=()

stop_server() {
    if [[ -n $server_pid ]]; then
        kill "$server_pid" 2>/dev/null || true
        wait "$server_pid" 2>/dev/null || true
    fi
    [[ -z $server_container ]] || docker rm -f -v "$server_container" >/dev/null
    [[ -z $server_dir ]] || rm -rf "$server_dir"
    server_pid='' server_container='' server_dir=''
}
trap stop_server EXIT

four_letters() {
    timeout 2 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1 && printf $2 >&3 && cat <&3" 2>/dev/null
}

# start_server ours|apache: sets `port` to the client port of a fresh server on this machine.
# Its tick is short, so that sessions of one second are granted and expire as soon.
start_server() {
    stop_server
    case $1 in
    ours) start_ours ;;
    apache) start_apache ;;
    *) die "no such server: $1 (ours or apache)" ;;
    esac
    local try
    for ((try = 0; try < 600; try++)); do
        [[ $(four_letters "$port" srvr) == *"Mode: standalone"* ]] && return
        [[ -z $server_pid ]] || kill -0 "$server_pid" 2>/dev/null ||
            die "the server ended: $(cat "$server_dir/log")"
        sleep 0.1
    done
    die "no server answers at port $port after 60 s"
}

start_ours() {
    cargo build --quiet --locked --manifest-path "$repository/Cargo.toml" -p zk-server
    port=$(python3 "$repository/tests/interop/ports.py")
    server_dir=$(mktemp -d)
    mkdir "$server_dir/data"
    printf '%s\n' "dataDir=$server_dir/data" "clientPort=$port" tickTime=500 maxSessionTimeout=60000 maxClientCnxns=0 \
        extendedTypesEnabled=true '4lw.commands.whitelist=*' admin.enableServer=false \
        "${more_of_zoo_cfg[@]}" >"$server_dir/zoo.cfg"
    "${CARGO_TARGET_DIR:-$repository/target}/debug/zk-server" "$server_dir/zoo.cfg" \
        >"$server_dir/log" 2>&1 &
    server_pid=$!
}

start_apache() {
    local image=${ZK_TEST_IMAGE:-}
    [[ -n $image ]] || image=$("$repository/tests/images/apache-zookeeper/build")
    server_container=$(docker run -d -p 127.0.0.1:0:2181 -e ZOO_TICK_TIME=500 \
        -e ZOO_MAX_CLIENT_CNXNS=0 -e ZOO_4LW_COMMANDS_WHITELIST='*' \
        -e ZOO_CFG_EXTRA='extendedTypesEnabled=true maxSessionTimeout=60000' "$image")
    port=$(docker port "$server_container" 2181/tcp | sed -n '1s/.*://p')
}
