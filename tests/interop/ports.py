"""Ports for servers that are told theirs by a file: from a range out of which the system gives none to
anybody by itself, so that no connection of somebody else's has one before its server is up."""

import random
import socket

# Where Linux begins to hand out ports if nobody has told it otherwise.
EPHEMERAL = 32_768


def ephemeral_from():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            first = int(file.read().split()[0])
    except OSError:
        first = EPHEMERAL
    return first if first > 12_000 else EPHEMERAL


def free_ports(count):
    """So many that nobody listens on; by chance, so that two suites at once seldom want the same."""
    ports = []
    candidates = range(10_000, ephemeral_from())
    for port in random.sample(candidates, len(candidates)):
        try:
            socket.create_server(("", port)).close()
        except OSError:
            continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError(f"not {count} free ports")


if __name__ == "__main__":
    print(free_ports(1)[0])
