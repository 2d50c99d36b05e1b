"""Apache's server and ours take turns on a data directory; a Java client says what each serves."""

import json
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import suite
from ports import free_ports

PROGRAM, CLASSPATH = sys.argv[1:3]
suite.PATIENCE = 120.0  # a JVM on a busy machine starts in its own time
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", CLASSPATH]
CONFIG = """dataDir={directory}/data
clientPort={port}
clientPortAddress=127.0.0.1
tickTime=2000
initLimit=5
syncLimit=2
maxSessionTimeout=3600000
maxClientCnxns=0
extendedTypesEnabled=true
4lw.commands.whitelist=*
admin.enableServer=false
preAllocSize=64
"""


def four_letters(port, word):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(word.encode())
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
            return answer.decode()
    except OSError:
        return ""


class Session:
    """A session of a client that says hardly anything."""

    PING = struct.pack(">iii", 8, -2, 11)

    def __init__(self, port, timeout_ms, number=0, password=bytes(16)):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=suite.PATIENCE)
        request = struct.pack(">iqiqi16s?", 0, 0, timeout_ms, number, 16, password, False)
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        answer = self._read(struct.unpack(">i", self._read(4))[0])
        _, self.timeout_ms, self.number, _, self.password = struct.unpack(">iiqi16s", answer[:36])

    def _read(self, length):
        got = b""
        while len(got) < length:
            more = self.socket.recv(length - len(got))
            assert more, "the server closes a connection that only asks for a session"
            got += more
        return got

    def ping(self):
        """False if the server has closed the connection."""
        try:
            self.socket.sendall(self.PING)
            return True
        except OSError:
            return False

    def is_known(self, port):
        """Whether the server names the session to an operator, which does not prolong it."""
        dump = four_letters(port, "dump")
        assert "SessionTracker dump" in dump, f"{dump}"
        return f"{self.number:#x}" in dump

    def lives(self, port, kind):
        """Whether the server, one of that kind, takes the session up again."""
        try:
            resumed = Session(port, self.timeout_ms, self.number, self.password)
        except AssertionError as error:
            raise AssertionError(f"{kind}: {error}") from error
        resumed.socket.close()
        return resumed.timeout_ms > 0


class Server:
    """One run of a server on a directory. `{admin}` in lines is the port of AdminServer."""

    process = None

    def __init__(self, kind, directory, lines=()):
        self.kind, self.directory = kind, directory
        try:
            while not self._start(lines):
                pass
        except BaseException:
            self.discard()
            raise

    def _start(self, lines):
        """False if somebody else has got the port in between."""
        self.port, self.admin = free_ports(2)
        config = self.directory / "zoo.cfg"
        text = CONFIG.format(directory=self.directory, port=self.port)
        config.write_text(text + "\n".join(lines).format(admin=self.admin) + "\n")
        command = [PROGRAM, str(config)]
        if self.kind == "apache":
            command = JAVA + ["org.apache.zookeeper.server.quorum.QuorumPeerMain", str(config)]
        self.log = self.directory / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

        def ready():
            ended = self.process.poll() is not None
            return ended or "Mode: standalone" in four_letters(self.port, "srvr")

        suite.wait_until(f"{self.kind} serves", ready)
        if self.process.poll() is None:
            return True
        log = self.log.read_text()
        assert "in use" in log, f"{self.kind} ended: {log[-4000:]}"
        return False

    def zxid(self):
        return re.search(r"Zxid: (0x[0-9a-f]+)", four_letters(self.port, "srvr"))[1]

    def client(self, *commands):
        """Lines that a client prints which does all this and is gone without a word."""
        command = JAVA + ["-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "DiskClient"]
        done = subprocess.run(
            command + [f"127.0.0.1:{self.port}", *commands],
            capture_output=True,
            text=True,
            timeout=suite.PATIENCE,
        )
        assert done.returncode == 0, f"{commands} on {self.kind}: {done.stderr}"
        return done.stdout.splitlines()

    def command(self, name, body=None):
        """The headers and the answer of a command of AdminServer; with a body it is posted."""
        url = f"http://127.0.0.1:{self.admin}/commands/{name}"
        request = urllib.request.Request(url, body, {"Authorization": "ip"})
        with urllib.request.urlopen(request, timeout=suite.PATIENCE) as answer:
            return answer.headers, answer.read()

    def stop(self, how):
        self.process.send_signal(how)
        self.process.wait(timeout=suite.PATIENCE)

    def discard(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Turns:
    """A directory, and the servers that had it."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="zk-disk-"))
        (self.directory / "data").mkdir()
        self.server = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.discard()
        shutil.rmtree(self.directory)

    def start(self, kind, *lines):
        self.server = Server(kind, self.directory, lines)
        return self.server

    def hand_over(self, how, kind, *lines):
        """Stops one server and starts the other, which must have all that the one had."""
        before = self.server.client("dump")
        zxid = self.server.zxid()
        self.server.stop(how)
        former = self.server.kind
        server = self.start(kind, *lines)
        what = f"from {former} to {kind} by {how.name}"
        assert server.zxid() == zxid, f"{what}: {zxid} became {server.zxid()}"
        after = server.client("dump")
        differences = sorted(set(before) ^ set(after))
        assert before == after, f"{what}, of {len(before)} nodes differ: {differences}"
        assert len(after) >= 4, f"{what}: {after}"
        return server

    def files(self, kind, directory="data"):
        return list((self.directory / directory / "version-2").glob(f"{kind}.*"))

    def only_packed_as(self, suffix):
        """Leaves the next server nothing to begin with but snapshots that this one has packed."""
        former = set(self.files("snapshot"))
        # All but the newest are whole, whenever the server is killed.
        for more in range(50):
            own = set(self.files("snapshot")) - former
            if len(own) > 1:
                break
            self.server.client(f"work:/more-{self.server.kind}-{more}")
        assert len(own) > 1 and all(file.suffix == suffix for file in own), f"{own}"
        for file in former:
            file.unlink(missing_ok=True)


WORK = ["work:/a", "large:/a", "many:/a:60"]


def back_from(former, how):
    """One server writes a bit of everything, the other has it and goes on, and the first again."""
    other = "ours" if former == "apache" else "apache"
    with Turns() as turns:
        turns.start(former).client(*WORK)
        assert len(turns.files("log")) == 1, "nothing but snapshot.0 and a log"
        turns.hand_over(how, other).client("work:/b", "many:/b:30")
        turns.hand_over(how, former).client("work:/c")


def what_apache_wrote_and_was_told_to_stop():
    back_from("apache", signal.SIGTERM)


def what_apache_wrote_and_was_killed():
    back_from("apache", signal.SIGKILL)


def what_ours_wrote_and_was_told_to_stop():
    back_from("ours", signal.SIGTERM)


def what_ours_wrote_and_was_killed():
    back_from("ours", signal.SIGKILL)


def snapshots_and_several_logs():
    """With a snapshot every few transactions, either way; what is old is purged in between."""
    often = ["snapCount=30", "autopurge.snapRetainCount=3", "autopurge.purgeInterval=1"]
    with Turns() as turns:
        turns.start("ours", *often).client(*WORK)
        suite.wait_until("a snapshot of ours", lambda: len(turns.files("snapshot")) > 1)
        turns.hand_over(signal.SIGKILL, "apache", *often).client("work:/b", "many:/b:100")
        suite.wait_until("a snapshot of Apache's", lambda: len(turns.files("snapshot")) > 2)
        turns.hand_over(signal.SIGKILL, "ours", *often).client("work:/c", "many:/c:100")
        turns.hand_over(signal.SIGTERM, "apache", *often)


def round_after_round():
    with Turns() as turns:
        turns.start("apache").client("work:/r0")
        ways = [signal.SIGTERM, signal.SIGKILL]
        for turn in range(1, 7):
            kind = "ours" if turn % 2 else "apache"
            server = turns.hand_over(ways[turn // 2 % 2], kind, "snapCount=40")
            server.client(f"work:/r{turn}", f"many:/r{turn}:20")
        turns.hand_over(signal.SIGTERM, "ours")


def logs_in_a_directory_of_their_own():
    with Turns() as turns:
        line = f"dataLogDir={turns.directory}/logs"
        turns.start("apache", line).client("work:/a")
        turns.hand_over(signal.SIGTERM, "ours", line).client("work:/b")
        turns.hand_over(signal.SIGTERM, "apache", line)
        assert turns.files("log", "logs") and not turns.files("log")


def snapshots_that_apache_packed_by_snappy():
    packed = ["snapCount=30", "snapshot.compression.method=snappy"]
    with Turns() as turns:
        turns.start("apache", *packed).client(*WORK)
        turns.only_packed_as(".snappy")
        turns.hand_over(signal.SIGKILL, "ours").client("work:/b")
        turns.hand_over(signal.SIGKILL, "apache", *packed)


def snapshots_that_either_packed_by_gzip():
    packed = ["snapCount=30", "snapshot.compression.method=gz"]
    for former, other in [("apache", "ours"), ("ours", "apache")]:
        with Turns() as turns:
            turns.start(former, *packed).client(*WORK)
            turns.only_packed_as(".gz")
            turns.hand_over(signal.SIGKILL, other, *packed).client("work:/b")
            turns.only_packed_as(".gz")
            turns.hand_over(signal.SIGKILL, former)


def nothing_at_all():
    """A directory that a server has made, and nobody has written to."""
    for former, other in [("apache", "ours"), ("ours", "apache")]:
        with Turns() as turns:
            turns.start(former)
            turns.hand_over(signal.SIGKILL, other).client("work:/a")
            turns.hand_over(signal.SIGKILL, former)


def sessions_go_on_at_the_other_server():
    """A session is resumed where it did not begin, and takes its nodes along when it is closed."""
    for former, other in [("apache", "ours"), ("ours", "apache")]:
        with Turns() as turns:
            _, number, password = turns.start(former).client("work:/a", "session")[-1].split(":")
            server = turns.hand_over(signal.SIGKILL, other)
            mine = f"|{number}|"
            held = [line for line in server.client("dump") if mine in line]
            assert len(held) == 4, f"{held}"
            same = server.client(f"resume:{number}:{password}", "dump")
            assert [line for line in same if mine in line] == held
            server.client(f"resume:{number}:{password}", "close")
            assert not [line for line in server.client("dump") if mine in line]
            turns.hand_over(signal.SIGKILL, former)


ADMIN = ["admin.enableServer=true", "admin.serverPort={admin}"]


def a_snapshot_that_adminserver_handed_out():
    """It is all that Apache's server needs, and packs as well as it does plain."""
    with Turns() as turns:
        server = turns.start("ours", *ADMIN)
        server.client(*WORK)
        before = server.client("dump")
        headers, snapshot = server.command("snapshot")
        zxid = headers["last_zxid"]
        server.client("work:/later")
        server.stop(signal.SIGTERM)
        version_2 = turns.directory / "data" / "version-2"
        shutil.rmtree(version_2)
        version_2.mkdir()
        (version_2 / f"snapshot.{zxid[2:]}").write_bytes(snapshot)
        server = turns.start("apache")
        assert server.zxid() == zxid
        after = server.client("dump")
        assert after == before, f"{sorted(set(before) ^ set(after))}"
        assert len(after) > 60, f"{after}"
        server.client("work:/b", "many:/b:30")
        turns.hand_over(signal.SIGKILL, "ours")


def a_snapshot_of_apaches_is_restored():
    """One that was written while nobody wrote, as each start writes one."""
    with Turns() as source, Turns() as target:
        session = source.start("apache").client(*WORK, "session")[-1].split(":")[1]
        source.server.stop(signal.SIGKILL)
        (before_zxid, before) = (source.start("apache").zxid(), source.server.client("dump"))
        snapshot = source.directory / "data" / "version-2" / f"snapshot.{before_zxid[2:]}"
        server = target.start("ours", *ADMIN)
        old = server.client("work:/old", "dump")
        _, answer = server.command("restore", snapshot.read_bytes())
        assert json.loads(answer)["snapshot_zxid"] == int(before_zxid, 16), f"{answer}"
        after = server.client("dump")
        mine = [line.split("|")[0] for line in before if line.split("|")[8] == session]
        assert len(mine) == 4, f"{mine}"
        assert without(mine, after) == without(mine, before), f"{sorted(set(before) ^ set(after))}"
        assert not set(mine) & {line.split("|")[0] for line in after}, "their session has ended"
        assert not any("/old" in line for line in after) and any("/old" in line for line in old)
        target.hand_over(signal.SIGKILL, "apache").client("work:/b")


def without(paths, dump):
    """A dump without these nodes, and without what their end changes in their parents."""
    parents = {path.rpartition("/")[0] for path in paths}
    rest = []
    for fields in (line.split("|") for line in dump if line.split("|")[0] not in paths):
        if fields[0] in parents:
            fields[6] = fields[10] = fields[11] = "?"  # cversion, numChildren, pzxid
        rest.append(fields)
    return rest


def a_server_that_stands_still_for_longer_than_a_timeout():
    """Who said nothing meanwhile has lost the session, who may be silent for so long has not.

    With Apache's it is chance which of its threads is first. One that went on sending pings may
    have lost its session, and the connection of the silent one may be closed before its session
    ends: who comes back in between is taken up again. Ours hears what was sent, and closes after.
    """
    brief_ms = 4000
    for kind in ["apache", "ours"]:
        with Turns() as turns:
            server = turns.start(kind, "tickTime=200")
            patient, silent, pinging = [
                Session(server.port, timeout_ms) for timeout_ms in [600_000, brief_ms, brief_ms]
            ]
            assert [patient.timeout_ms, silent.timeout_ms] == [600_000, brief_ms]
            stop = threading.Event()

            def keep_pinging():
                while pinging.ping() and not stop.wait(0.1):
                    pass

            pings = threading.Thread(target=keep_pinging)
            pings.start()
            try:
                server.process.send_signal(signal.SIGSTOP)
                began = time.monotonic()
                suite.wait_until(
                    "twice the timeout", lambda: time.monotonic() - began > 2 * brief_ms / 1000
                )
                server.process.send_signal(signal.SIGCONT)
                suite.wait_until("the end of the session", lambda: closed(silent.socket))
                if kind == "apache":
                    suite.wait_until("the session's end", lambda: not silent.is_known(server.port))
                assert not silent.lives(server.port, kind), f"{kind}: it was silent"
                assert patient.lives(server.port, kind), f"{kind}: it had time"
                assert kind == "apache" or pinging.lives(server.port, kind), "its pings were heard"
            finally:
                server.process.send_signal(signal.SIGCONT)
                stop.set()
                pings.join()


def closed(connection):
    """Whether the other side has closed a connection; waits for it."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


# Who ends the suite ends its servers too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

suite.run(
    "disk",
    [
        what_apache_wrote_and_was_told_to_stop,
        what_apache_wrote_and_was_killed,
        what_ours_wrote_and_was_told_to_stop,
        what_ours_wrote_and_was_killed,
        snapshots_and_several_logs,
        round_after_round,
        logs_in_a_directory_of_their_own,
        snapshots_that_apache_packed_by_snappy,
        snapshots_that_either_packed_by_gzip,
        nothing_at_all,
        sessions_go_on_at_the_other_server,
        a_snapshot_that_adminserver_handed_out,
        a_snapshot_of_apaches_is_restored,
        a_server_that_stands_still_for_longer_than_a_timeout,
    ],
)
