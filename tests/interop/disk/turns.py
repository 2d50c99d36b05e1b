"""Apache's server and ours take turns on a data directory; a Java client says what each serves."""

import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import suite

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


def comparable(lines):
    """Without the data of the nodes where usage is counted, which ours does not do yet."""
    fields = [line.split("|") for line in lines]
    return [
        "|".join(f[:9] + f[10:12] + f[13:] if f[0].endswith("/zookeeper_stats") else f)
        for f in fields
    ]


class Server:
    """One run of a server on a directory."""

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
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        config = self.directory / "zoo.cfg"
        config.write_text(CONFIG.format(directory=self.directory, port=self.port) + "\n".join(lines) + "\n")
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
        before = comparable(self.server.client("dump"))
        zxid = self.server.zxid()
        self.server.stop(how)
        former = self.server.kind
        server = self.start(kind, *lines)
        what = f"from {former} to {kind} by {how.name}"
        assert server.zxid() == zxid, f"{what}: {zxid} became {server.zxid()}"
        after = comparable(server.client("dump"))
        differences = sorted(set(before) ^ set(after))
        assert before == after, f"{what}, of {len(before)} nodes differ: {differences}"
        assert len(after) >= 4, f"{what}: {after}"
        return server

    def files(self, kind, directory="data"):
        return list((self.directory / directory / "version-2").glob(f"{kind}.*"))


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
        suite.wait_until("a packed one", lambda: len(turns.files("snapshot")) > 1)
        assert all(file.suffix == ".snappy" for file in turns.files("snapshot"))
        turns.hand_over(signal.SIGKILL, "ours").client("work:/b")
        turns.hand_over(signal.SIGKILL, "apache", *packed)


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
        nothing_at_all,
        sessions_go_on_at_the_other_server,
    ],
)
