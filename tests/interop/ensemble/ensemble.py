"""Three of Apache's servers, one of which talks to the others by way of proxies that can be stalled."""

import pathlib
import socket
import subprocess

from ports import free_ports
from proxy import Proxy
from suite import wait_until

TICK_MS = 500
SYNC_LIMIT = 180  # ticks that a follower waits to hear from its leader: a minute and a half


class Ensemble:
    """Server 3 leads, since it is there first with server 2; server 1 follows, by way of `links`."""

    def __init__(self, work, classpath):
        self.work = pathlib.Path(work)
        self.classpath = classpath
        ports = free_ports(9)
        self.clients = dict(zip((1, 2, 3), ports[0:3]))
        quorum, election = (dict(zip((1, 2, 3), ports[n:n + 3])) for n in (3, 6))
        self.links = []
        self.processes = {}
        try:
            self._start_all(quorum, election)
        except BaseException:
            self.stop()
            raise

    def _start_all(self, quorum, election):
        for server in (3, 2, 1):
            seen = {}
            for other in (1, 2, 3):
                pair = [quorum[other], election[other]]
                if server == 1 and other != 1:
                    links = [Proxy(f"127.0.0.1:{port}") for port in pair]
                    self.links += links
                    pair = [link.port for link in links]
                seen[other] = pair
            self._start(server, seen)
            if server == 2:
                self._wait_mode(3, "leader")
        for server in (1, 2):
            self._wait_mode(server, "follower")

    def _start(self, server, seen):
        directory = self.work / str(server)
        (directory / "data").mkdir(parents=True)
        (directory / "data" / "myid").write_text(f"{server}\n")
        lines = [
            f"dataDir={directory}/data", f"clientPort={self.clients[server]}",
            f"tickTime={TICK_MS}", f"initLimit={SYNC_LIMIT}", f"syncLimit={SYNC_LIMIT}",
            "4lw.commands.whitelist=*", "admin.enableServer=false", "maxClientCnxns=0",
            "maxSessionTimeout=60000",
        ]
        lines += [f"server.{n}=127.0.0.1:{a}:{b}" for n, (a, b) in seen.items()]
        (directory / "zoo.cfg").write_text("\n".join(lines) + "\n")
        with open(directory / "log", "wb") as log:
            self.processes[server] = subprocess.Popen(
                ["java", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                 "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", self.classpath,
                 "org.apache.zookeeper.server.quorum.QuorumPeerMain", str(directory / "zoo.cfg")],
                stdout=log, stderr=log)

    def address(self, server):
        return f"127.0.0.1:{self.clients[server]}"

    def mode(self, server):
        try:
            with socket.create_connection(("127.0.0.1", self.clients[server]), 2) as sock:
                sock.settimeout(2)
                sock.sendall(b"srvr")
                text = b""
                while data := sock.recv(4096):
                    text += data
        except OSError:
            return None
        return next((line.split()[1].decode() for line in text.splitlines()
                     if line.startswith(b"Mode:")), None)

    def _wait_mode(self, server, mode):
        def is_so():
            ended = self.processes[server].poll()
            if ended is not None:
                log = (self.work / str(server) / "log").read_text()
                raise AssertionError(f"server {server} ended with {ended}: {log[-2000:]}")
            return self.mode(server) == mode
        wait_until(f"server {server} is {mode}", is_so)

    def cut(self):
        """Server 1 hears nothing of the others, nor they of it."""
        for link in self.links:
            link.stall()

    def heal(self):
        for link in self.links:
            link.heal()
        self._wait_mode(1, "follower")

    def stop(self):
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
