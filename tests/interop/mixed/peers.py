"""Processes that use recipes: Curator's, kazoo's and ours, told by lines of JSON what to do.

To a worker goes `{"id": 7, "do": "mutex", "path": "/x"}`. It answers with any number of
`{"id": 7, "n": 1, "say": "enter", ...}`, after each of which that task stands still until it is told
`{"id": 7, "n": 1, "go": ...}`, and in the end with `{"id": 7, "done": ...}` or
`{"id": 7, "failed": "why"}`. Tasks of one worker run side by side.
"""

import itertools
import json
import socket
import struct
import subprocess
import threading

from suite import LOOK, PATIENCE, Patience

# Everything a worker says is handled under this lock, one line at a time; so is every kill. What the
# witness sees is therefore in an order that all agree on: a worker whose "leave" was let go has left.
order = threading.Condition(threading.RLock())


def wait_for(condition):
    """Under `order`: waits until something is so. False if it took too long."""
    patience = Patience()
    while not condition():
        if patience.is_over():
            return False
        order.wait(LOOK)
    return True


class Task:
    """Something that a worker is doing. Its states change under `order`."""

    def __init__(self, worker, number, on_say):
        self.worker = worker
        self.number = number
        self.on_say = on_say
        self.said = []
        self.ended = False
        self.failure = None
        self.value = None

    def go(self, said, answer=True):
        self.worker.send({"id": self.number, "n": said["n"], "go": answer})

    def handle(self, line):
        if "say" in line:
            self.said.append(line)
            if self.on_say:
                self.on_say(self, line)
            return
        self.value = line.get("done")
        self.end(line.get("failed"))

    def end(self, failure):
        self.ended = True
        self.failure = failure

    def result(self):
        """What came of it, once it has ended."""
        with order:
            if not wait_for(lambda: self.ended):
                raise AssertionError(f"{self.worker} did not finish within {PATIENCE:.0f} s")
        if self.failure is not None:
            raise AssertionError(f"{self.worker}: {self.failure}")
        return self.value

    def wait_said(self, what):
        """The first notice of this kind."""
        return self.wait_nth(what, 1)

    def wait_nth(self, what, count):
        """As many notices of this kind, and the last of them."""
        def found():
            alike = [said for said in self.said if said["say"] == what]
            return alike[count - 1] if len(alike) >= count else None
        with order:
            wait_for(lambda: found() or self.ended)
            if found():
                return found()
        raise AssertionError(f"{self.worker} did not say {what!r}: {self.failure}")


class Worker:
    """A process. `kind` is curator, kazoo or ours."""

    numbers = itertools.count(1)

    def __init__(self, kind, command, address, session_timeout_ms):
        self.kind = kind
        self.name = f"{kind}-{next(self.numbers)}"
        self.address = address
        self.tasks = {}
        self.ids = itertools.count(1)
        self.is_dead = False
        self.session = None
        self.process = subprocess.Popen(
            command + [address, str(session_timeout_ms)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __str__(self):
        return self.name

    def __repr__(self):
        return self.name

    def ready(self):
        """Waits until it has its session."""
        with order:
            wait_for(lambda: self.session or self.is_dead)
            if not self.session:
                raise AssertionError(f"{self} did not start")
        return self

    def start(self, do, on_say=None, **arguments):
        with order:
            task = Task(self, next(self.ids), on_say)
            self.tasks[task.number] = task
            if self.is_dead:
                task.end(f"{self} is dead")
            else:
                self.send({"id": task.number, "do": do, **arguments})
        return task

    def call(self, do, **arguments):
        return self.start(do, **arguments).result()

    def send(self, line):
        with order:
            if self.is_dead:
                return
            try:
                self.process.stdin.write(json.dumps(line) + "\n")
                self.process.stdin.flush()
            except OSError:
                pass  # it ended: its reader buries it

    def _read(self):
        for text in self.process.stdout:
            with order:
                # What it said before it was killed, and nobody had read, it has not said.
                if self.is_dead:
                    return
                line = json.loads(text)
                if "session" in line:
                    self.session = line
                else:
                    task = self.tasks[line["id"]]
                    task.handle(line)
                    if task.ended:
                        del self.tasks[task.number]
                order.notify_all()
        with order:
            self._bury("ended of its own accord")

    def _bury(self, how):
        if self.is_dead:
            return
        self.is_dead = True
        for task in self.tasks.values():
            task.end(f"{self} {how}")
        self.tasks.clear()
        order.notify_all()

    def kill(self):
        """SIGKILL. Its session, and with it what it holds, stays until the server ends it."""
        with order:
            self.process.kill()
            self.process.wait()
            self._bury("was killed")

    def end_session(self):
        """Does for a dead worker's session what its timeout would do, without the wait."""
        host, port = self.address.rsplit(":", 1)
        password = bytes.fromhex(self.session["password"])
        hello = struct.pack(">iqiq", 0, 0, 10_000, self.session["session"])
        hello += struct.pack(">i", len(password)) + password
        close = struct.pack(">ii", 1, -11)
        with socket.create_connection((host, int(port)), PATIENCE) as stream:
            stream.sendall(framed(hello))
            answer = read_frame(stream)
            (granted,) = struct.unpack_from(">i", answer, 4)
            if granted <= 0:
                return  # over already
            stream.sendall(framed(close))
            while len(reply := read_frame(stream)) < 4 or reply[:4] != close[:4]:
                pass  # the event of a watch that was set in this session before

    def stop(self):
        """Lets it close its session and end."""
        if self.is_dead:
            return
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()


def framed(payload):
    return struct.pack(">i", len(payload)) + payload


def read_frame(stream):
    def exactly(length):
        data = b""
        while len(data) < length:
            more = stream.recv(length - len(data))
            if not more:
                raise AssertionError("the server closed the connection of a session to be ended")
            data += more
        return data
    (length,) = struct.unpack(">i", exactly(4))
    return exactly(length)


class Crew:
    """The workers of a suite: a few of each kind that live on from test to test."""

    # As long as the servers grant: no stall of a busy machine may end a session by accident.
    SESSION_TIMEOUT_MS = 60_000

    def __init__(self, address, commands):
        self.address = address
        self.commands = commands
        self.workers = {kind: [] for kind in commands}

    def hire(self, kind, address=None, session_timeout_ms=SESSION_TIMEOUT_MS):
        """A process that belongs to the caller."""
        address = address or self.address
        return Worker(kind, self.commands[kind], address, session_timeout_ms)

    def get(self, kind, count=1):
        """`count` processes of a kind, which others may use as well."""
        workers = self.workers[kind]
        workers[:] = [worker for worker in workers if not worker.is_dead]
        while len(workers) < count:
            workers.append(self.hire(kind))
        return [worker.ready() for worker in workers[:count]]

    def one_of_each(self, *kinds):
        for kind in kinds:
            self.get_unready(kind)
        return [self.get(kind)[0] for kind in kinds]

    def get_unready(self, kind):
        if not any(not worker.is_dead for worker in self.workers[kind]):
            self.workers[kind].append(self.hire(kind))

    def stop(self):
        for workers in self.workers.values():
            for worker in workers:
                worker.stop()
