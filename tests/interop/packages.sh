# Sourced by the scripts that need something which a Rust toolchain does not bring.
# shellcheck shell=bash

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# need_packages NAME…: installs the Debian packages that are missing, or stops the script.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    echo "${0##*/}: installing ${missing[*]}" >&2
    local log
    log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        # Where packages come from is this machine's affair.
        tail -n 20 "$log" | sed 's#[a-z]*://[^ ]*#(address)#g' >&2
        die "could not install ${missing[*]}: install them by hand (Debian 12 or later, as root) and try again"
    fi
    rm -f "$log"
}

# The Apache client and server with what they load, as Debian lays them out.
zookeeper_classpath() {
    local dir=/usr/share/java jar classpath=
    for jar in zookeeper zookeeper-jute slf4j-api slf4j-simple netty-buffer netty-codec netty-common \
        netty-handler netty-resolver netty-transport netty-transport-native-epoll \
        netty-transport-native-unix-common commons-cli commons-io metrics-core snappy-java \
        jackson-annotations jackson-core jackson-databind; do
        [[ -f $dir/$jar.jar ]] || die "$dir/$jar.jar is missing: is the Debian package zookeeper whole?"
        classpath+=${classpath:+:}$dir/$jar.jar
    done
    echo "$classpath"
}

# need_kazoo: sets `kazoo_venv` to a Python environment that has kazoo.
need_kazoo() {
    need_packages python3 python3-venv
    kazoo_venv=${ZK_KAZOO_VENV:-${TMPDIR:-/tmp}/zk-rust-kazoo}
    "$kazoo_venv/bin/python" -c 'import kazoo' 2>/dev/null && return
    python3 -m venv --clear "$kazoo_venv"
    "$kazoo_venv/bin/pip" install --quiet --disable-pip-version-check 'kazoo==2.11.0' ||
        die "could not install kazoo from PyPI"
}
