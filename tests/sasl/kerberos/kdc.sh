# Sourced by `run`, which sets `repository`: a realm of our own, in a directory, as unprivileged
# processes on free ports.
# shellcheck shell=bash

realm=ZK.TEST

free_port() {
    python3 "$repository/tests/interop/ports.py"
}

# start_kdc DIRECTORY: a KDC with the principals of the suite, whose keytabs are in DIRECTORY.
start_kdc() {
    dir=$1
    kdc_port=$(free_port)
    cat >"$dir/krb5.conf" <<EOF
[libdefaults]
    default_realm = $realm
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
    default_ccache_name = FILE:$dir/no-ccache
[realms]
    $realm = {
        kdc = 127.0.0.1:$kdc_port
    }
[domain_realm]
    localhost = $realm
EOF
    cat >"$dir/kdc.conf" <<EOF
[kdcdefaults]
    kdc_listen = 127.0.0.1:$kdc_port
    kdc_tcp_listen = 127.0.0.1:$kdc_port
[realms]
    $realm = {
        database_name = $dir/principal
        key_stash_file = $dir/stash
        acl_file = $dir/acl
        max_life = 1d
    }
EOF
    export KRB5_CONFIG=$dir/krb5.conf KRB5_KDC_PROFILE=$dir/kdc.conf KRB5RCACHEDIR=$dir
    kdb5_util -r "$realm" create -s -P master >"$dir/kdc.log" 2>&1 ||
        die "the realm cannot be made: $(cat "$dir/kdc.log")"
    add_principal alice alice.keytab
    add_principal bob/host.example bob.keytab
    add_principal carol carol.keytab
    add_principal zookeeper/localhost server.keytab
    # Known to the KDC, but not who the server is.
    add_principal zookeeper/elsewhere elsewhere.keytab
    krb5kdc -n -r "$realm" >>"$dir/kdc.log" 2>&1 &
    kdc_pid=$!
}

# add_principal NAME KEYTAB
add_principal() {
    kadmin.local -r "$realm" -q "addprinc -randkey $1" >>"$dir/kdc.log" 2>&1
    kadmin.local -r "$realm" -q "ktadd -k $dir/$2 $1" >>"$dir/kdc.log" 2>&1
    [[ -s $dir/$2 ]] || die "there are no keys of $1: $(cat "$dir/kdc.log")"
}

# ticket CACHE KEYTAB PRINCIPAL [OPTION…]: as kinit would do for somebody with a keytab.
ticket() {
    local cache=$1 keytab=$2 principal=$3
    shift 3
    KRB5CCNAME=FILE:$dir/$cache kinit "$@" -k -t "$dir/$keytab" "$principal@$realm"
}
