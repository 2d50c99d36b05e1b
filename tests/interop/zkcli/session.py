"""What a person types into zkCli, and what it must say."""

import pathlib
import queue
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import suite

ADDRESS, NAME, CLASSPATH = sys.argv[1:4]
# zkCli prints no prompt to a pipe; this command's answer marks the end of the one before it.
MARK_COMMAND, MARK = "printwatches", "printwatches is on"


class Cli:
    """One zkCli process: one session."""

    def __init__(self):
        self._process = subprocess.Popen(
            ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-XX:TieredStopAtLevel=1"]
            + ["-cp", CLASSPATH, "org.apache.zookeeper.ZooKeeperMain"]
            + ["-server", ADDRESS, "-timeout", "30000"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines = queue.Queue()
        self.events = []
        threading.Thread(target=self._read, daemon=True).start()
        self.run("version")

    def _read(self):
        for line in self._process.stdout:
            line = line.rstrip("\n")
            event = re.match(r"WatchedEvent state:SyncConnected type:(\w+) path:(.*)", line)
            if event and event[1] != "None":
                self.events.append((event[1], event[2]))
            elif line and line != "WATCHER::" and not event:
                self._lines.put(line)
        self._lines.put(None)

    def run(self, command):
        """The lines that the command printed."""
        self._process.stdin.write(f"{command}\n{MARK_COMMAND}\n")
        self._process.stdin.flush()
        lines, deadline = [], time.monotonic() + suite.PATIENCE
        while True:
            line = self._lines.get(timeout=max(0.1, deadline - time.monotonic()))
            if line is None:
                raise AssertionError(f"zkCli ended at {command!r} after {lines}")
            if line == MARK:
                return lines
            lines.append(line)

    def says(self, command, *expected):
        """The command prints exactly these lines."""
        said = self.run(command)
        if said != list(expected):
            raise AssertionError(f"{command!r} said {said}, expected {list(expected)}")

    def stat(self, command):
        """The fields of the Stat that the command prints."""
        return dict(line.split(" = ", 1) for line in self.run(command) if " = " in line)

    def quit(self):
        self._process.stdin.write("quit\n")
        self._process.stdin.flush()
        self._process.wait(suite.PATIENCE)


cli = Cli()
other = Cli()


def root(name):
    path = "/cli-" + name
    cli.says(f"create {path} top", f"Created {path}")
    return path


def event(kind, path):
    suite.wait_until(f"{kind} {path}, got {cli.events}", lambda: (kind, path) in cli.events)


def create_of_every_mode():
    base = root("modes")
    cli.says(f"create {base}/p data", f"Created {base}/p")
    cli.says(f"create -s {base}/s- data", f"Created {base}/s-0000000001")
    cli.says(f"create -e {base}/e data", f"Created {base}/e")
    cli.says(f"create -s -e {base}/se- data", f"Created {base}/se-0000000003")
    cli.says(f"create -c {base}/c data", f"Created {base}/c")
    cli.says(f"create -t 600000 {base}/t data", f"Created {base}/t")
    cli.says(f"create -s -t 600000 {base}/st- data", f"Created {base}/st-0000000006")
    owner = cli.stat(f"stat {base}/e")["ephemeralOwner"]
    assert owner not in ("0x0", other.stat(f"stat {base}/p")["ephemeralOwner"]), owner
    for lasting in ("p", "s-0000000001", "c", "t"):
        assert cli.stat(f"stat {base}/{lasting}")["ephemeralOwner"] == "0x0", lasting
    names = "[c, e, p, s-0000000001, se-0000000003, st-0000000006, t]"
    cli.says(f"ls {base}", names)
    other.says(f"ls {base}", names)


def errors_in_words():
    base = root("errors")
    cli.says(f"create {base} x", f"Node already exists: {base}")
    cli.says(f"create {base}/none/x x", f"Node does not exist: {base}/none/x")
    cli.says(f"get {base}/none", f"Node does not exist: {base}/none")
    cli.says(f"delete {base}/none", f"Node does not exist: {base}/none")
    cli.says(f"create -e {base}/e x", f"Created {base}/e")
    cli.says(f"create {base}/e/x x", f"Ephemerals cannot have children: {base}/e/x")
    cli.says(f"delete {base}", f"Node not empty: {base}")
    cli.says(f"set -v 9 {base} x", f"version No is not valid : {base}")
    cli.says(f"delete -v 9 {base}/e", f"version No is not valid : {base}/e")
    cli.says("reconfig -add server.9=127.0.0.1:1:2;3", "KeeperErrorCode = Reconfig is disabled")


def data_and_stat():
    base = root("stat")
    cli.says(f"get {base}", "top")
    cli.says(f"set {base} changed")
    stat = cli.stat(f"set -s -v 1 {base} again")
    assert (stat["dataVersion"], stat["dataLength"], stat["cversion"]) == ("2", "5", "0"), stat
    assert stat == cli.stat(f"stat {base}") == cli.stat(f"get -s {base}") == other.stat(f"ls -s {base}")
    assert int(stat["mZxid"], 16) > int(stat["cZxid"], 16) == int(stat["pZxid"], 16)


def access_control():
    base = root("acl")
    cli.says(f"getAcl {base}", "'world,'anyone", ": cdrwa")
    cli.says("addauth digest user:secret")
    cli.says(f"setAcl {base} auth::cdrwa")
    digest = "'digest,'user:5w9W4eL3797Y4Wq8AcKUPPk8ha4="
    cli.says(f"getAcl {base}", digest, ": cdrwa")
    assert cli.stat(f"getAcl -s {base}")["aclVersion"] == "1"
    denied = other.run(f"get {base}")
    assert len(denied) == 1 and "ufficient permission" in denied[0], denied
    cli.says(f"create {base}/r data world:anyone:r", f"Created {base}/r")
    other.says(f"get {base}/r", "data")
    other.says(f"getAcl {base}/r", "'world,'anyone", ": r")
    who = cli.run("whoami")
    assert who[0].split() == ["Auth", "scheme:", "User"] and who[1].startswith("ip: "), who
    assert who[2:] == ["digest: user"], who
    assert len(other.run("whoami")) == 2


def one_shot_watches():
    base = root("watch")
    cli.says(f"ls -w {base}", "[]")
    cli.says(f"get -w {base}", "top")
    other.says(f"create {base}/c x", f"Created {base}/c")
    event("NodeChildrenChanged", base)
    other.says(f"set {base} x")
    event("NodeDataChanged", base)
    cli.run(f"stat -w {base}/c")
    other.says(f"delete {base}/c")
    event("NodeDeleted", f"{base}/c")
    count = len(cli.events)
    other.says(f"set {base} y")
    cli.says(f"get {base}", "y")
    assert len(cli.events) == count, f"a watch fired twice: {cli.events}"


def lasting_watches():
    base = root("lasting")
    cli.says(f"addWatch -m PERSISTENT {base}")
    for value in ("one", "two"):
        before = cli.events.count(("NodeDataChanged", base))
        other.says(f"set {base} {value}")
        suite.wait_until("each change", lambda: cli.events.count(("NodeDataChanged", base)) > before)
    other.says(f"create {base}/c x", f"Created {base}/c")
    event("NodeChildrenChanged", base)
    cli.says(f"removewatches {base}")
    event("PersistentWatchRemoved", base)
    tree = root("tree")
    cli.says(f"addWatch -m PERSISTENT_RECURSIVE {tree}")
    other.says(f"create {tree}/a x", f"Created {tree}/a")
    other.says(f"create {tree}/a/b x", f"Created {tree}/a/b")
    other.says(f"set {tree}/a/b y")
    other.says(f"delete {tree}/a/b")
    event("NodeCreated", f"{tree}/a/b")
    event("NodeDataChanged", f"{tree}/a/b")
    event("NodeDeleted", f"{tree}/a/b")
    assert ("NodeChildrenChanged", tree) not in cli.events
    cli.says(f"removewatches {tree}")


def sync_and_counts():
    base = root("counts")
    cli.says(f"sync {base}", "Sync is OK")
    for path in ("/a", "/a/b", "/a/b/c", "/d"):
        cli.says(f"create {base}{path} x", f"Created {base}{path}")
    cli.says(f"create -e {base}/e x", f"Created {base}/e")
    cli.says(f"getAllChildrenNumber {base}", "5")
    cli.says(f"getEphemerals {base}", f"[{base}/e]")
    other.says(f"getEphemerals {base}", "[]")
    assert f"{base}/e" in cli.run("getEphemerals")[0]
    paths = [base] + [base + path for path in ("/a", "/d", "/e", "/a/b", "/a/b/c")]
    cli.says(f"ls -R {base}", *paths)


def delete_and_deleteall():
    base = root("delete")
    for path in ("/a", "/a/b", "/c"):
        cli.says(f"create {base}{path} x", f"Created {base}{path}")
    cli.says(f"delete -v 0 {base}/c")
    cli.says(f"deleteall {base}")
    cli.says(f"ls {base}", f"Node does not exist: {base}")


def built_in_nodes():
    cli.says("ls /zookeeper", "[config, quota]")
    cli.says("getAcl /zookeeper/config", "'world,'anyone", ": r")
    said = cli.run("delete /zookeeper/quota")
    assert said and "Arguments are not valid" in said[0], said


def close_ends_the_session():
    base = root("close")
    third = Cli()
    third.says(f"create -e {base}/e x", f"Created {base}/e")
    cli.run(f"stat -w {base}/e")
    third.quit()
    event("NodeDeleted", f"{base}/e")
    cli.says(f"ls {base}", "[]")


TESTS = [
    create_of_every_mode,
    errors_in_words,
    data_and_stat,
    access_control,
    one_shot_watches,
    lasting_watches,
    sync_and_counts,
    delete_and_deleteall,
    built_in_nodes,
    close_ends_the_session,
]

if __name__ == "__main__":
    suite.run(NAME, TESTS)
