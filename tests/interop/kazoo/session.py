"""What kazoo can do, done on the server at the given address."""

import logging
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    BadVersionError,
    InvalidACLError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    RuntimeInconsistency,
)
from kazoo.retry import KazooRetry
from kazoo.security import CREATOR_ALL_ACL, make_acl, make_digest_acl

import suite
from proxy import Proxy
from suite import expect_error, wait_until

logging.disable(logging.WARNING)  # the cuts below are meant
ADDRESS = sys.argv[1]
TIMEOUT = 20.0  # of sessions, in seconds: no stall of a busy machine ends one
clients = []
retry = KazooRetry(max_tries=100, delay=0.05, max_delay=0.2)


def connect(address=ADDRESS, timeout=TIMEOUT, **kwargs):
    client = KazooClient(hosts=address, timeout=timeout, connection_retry=retry.copy(), **kwargs)
    client.seen = []
    client.add_listener(client.seen.append)
    client.start(timeout=suite.PATIENCE)
    clients.append(client)
    return client


def root(name):
    """A client, and a node of its own for the test."""
    client = connect()
    path = "/kazoo-" + name
    client.ensure_path(path)
    return client, path


def create_modes():
    zk, base = root("modes")
    assert zk.create(base + "/p", b"1") == base + "/p"
    assert zk.create(base + "/e", b"2", ephemeral=True) == base + "/e"
    assert zk.create(base + "/s-", b"3", sequence=True) == base + "/s-0000000002"
    assert zk.create(base + "/es-", b"4", ephemeral=True, sequence=True) == base + "/es-0000000003"
    assert zk.create(base + "/a/b/c", b"5", makepath=True) == base + "/a/b/c"
    session = zk.client_id[0]
    owners = {name: zk.exists(base + "/" + name).ephemeralOwner for name in zk.get_children(base)}
    assert owners == {"p": 0, "e": session, "s-0000000002": 0, "es-0000000003": session, "a": 0}


def create_answers_with_stat():
    zk, base = root("stat")
    path, stat = zk.create(base + "/two", b"abc", include_data=True)
    assert path == base + "/two"
    assert (stat.version, stat.dataLength, stat.numChildren) == (0, 3, 0)
    assert stat.czxid == stat.mzxid == stat.pzxid == zk.exists(path).czxid


def data_and_versions():
    zk, base = root("versions")
    assert zk.set(base, b"one").version == 1
    assert zk.set(base, b"two", version=1).version == 2
    expect_error(BadVersionError, zk.set, base, b"x", version=1)
    expect_error(BadVersionError, zk.delete, base, version=1)
    data, stat = zk.get(base)
    assert (data, stat.version, stat.dataLength) == (b"two", 2, 3)
    assert stat.mzxid > stat.czxid and stat.ctime <= stat.mtime
    zk.delete(base, version=2)
    assert zk.exists(base) is None


def errors_by_kind():
    zk, base = root("errors")
    expect_error(NoNodeError, zk.get, base + "/none")
    expect_error(NoNodeError, zk.set, base + "/none", b"")
    expect_error(NoNodeError, zk.delete, base + "/none")
    expect_error(NoNodeError, zk.create, base + "/none/x")
    expect_error(NoNodeError, zk.get_children, base + "/none")
    expect_error(NodeExistsError, zk.create, base)
    zk.create(base + "/e", ephemeral=True)
    expect_error(NoChildrenForEphemeralsError, zk.create, base + "/e/x")
    expect_error(NotEmptyError, zk.delete, base)
    expect_error(InvalidACLError, zk.create, base + "/x", acl=[make_acl("auth", "", all=True)])


def children_and_counts():
    zk, base = root("children")
    for i in range(50):
        zk.create(f"{base}/n{i:02}")
    names, stat = zk.get_children(base, include_data=True)
    assert sorted(names) == [f"n{i:02}" for i in range(50)]
    assert (stat.numChildren, stat.cversion) == (50, 50)
    zk.delete(base + "/n00")
    stat = zk.exists(base)
    assert (stat.numChildren, stat.cversion) == (49, 51)
    zk.delete(base, recursive=True)
    assert zk.exists(base) is None


def data_of_every_size():
    zk, base = root("sizes")
    for size in (0, 1, 4096, 1_000_000):
        data = bytes(i % 251 for i in range(size))
        zk.set(base, data)
        assert zk.get(base)[0] == data
    unicode_path = base + "/größe-☃"
    zk.create(unicode_path, "…".encode())
    assert zk.get_children(base) == ["größe-☃"] and zk.get(unicode_path)[0] == "…".encode()


def access_control():
    zk, base = root("acl")
    owner = connect(auth_data=[("digest", "user:secret")])
    stranger = connect()
    path = base + "/mine"
    owner.create(path, b"s", acl=[make_digest_acl("user", "secret", all=True)])
    assert owner.get(path)[0] == b"s"
    expect_error(NoAuthError, stranger.get, path)
    expect_error(NoAuthError, stranger.set, path, b"x")
    expect_error(NoAuthError, stranger.get_acls, path)
    stranger.add_auth("digest", "user:secret")
    assert stranger.get(path)[0] == b"s"
    acls, stat = owner.get_acls(path)
    assert [(a.perms, a.id.scheme) for a in acls] == [(31, "digest")] and stat.aversion == 0
    owner.set_acls(path, [make_acl("world", "anyone", read=True)], version=0)
    expect_error(NoAuthError, owner.set, path, b"x")
    assert zk.get(path)[1].aversion == 1
    owner.create(base + "/creator", acl=CREATOR_ALL_ACL)
    assert owner.get_acls(base + "/creator")[0][0].id.id.startswith("user:")
    expect_error(NoAuthError, zk.create, base + "/creator/x")


def transactions():
    zk, base = root("multi")
    t = zk.transaction()
    t.check(base, 0)
    t.create(base + "/a", b"1")
    t.create(base + "/s-", b"2", sequence=True)
    t.create(base + "/e", ephemeral=True)
    t.set_data(base + "/a", b"3")
    t.delete(base + "/e")
    results = t.commit()
    assert results[:4] == [True, base + "/a", base + "/s-0000000001", base + "/e"], results
    assert results[4].version == 1 and results[5] is True, results
    assert zk.get(base + "/a")[0] == b"3"
    zxids = {zk.exists(base + "/a").czxid, zk.exists(base + "/s-0000000001").czxid, zk.exists(base).pzxid}
    assert len(zxids) == 1, "one transaction, one zxid"
    t = zk.transaction()
    t.create(base + "/b")
    t.delete(base + "/none")
    t.create(base + "/c")
    kinds = [type(r) for r in t.commit()]
    assert kinds == [RolledBackError, NoNodeError, RuntimeInconsistency], kinds
    assert zk.exists(base + "/b") is None


def one_shot_watches():
    zk, base = root("watches")
    other = connect()
    events = []
    assert zk.exists(base + "/w", watch=events.append) is None
    other.create(base + "/w")
    wait_until("created", lambda: len(events) == 1)
    zk.get(base + "/w", watch=events.append)
    zk.get_children(base + "/w", watch=events.append)
    other.set(base + "/w", b"x")
    wait_until("changed", lambda: len(events) == 2)
    other.set(base + "/w", b"y")
    other.create(base + "/w/c")
    wait_until("children", lambda: len(events) == 3)
    zk.get(base + "/w/c", watch=events.append)
    other.delete(base + "/w/c")
    wait_until("deleted", lambda: len(events) == 4)
    zk.get(base)  # an answer after which no older event can come
    assert [(e.type, e.path) for e in events] == [
        ("CREATED", base + "/w"),
        ("CHANGED", base + "/w"),
        ("CHILD", base + "/w"),
        ("DELETED", base + "/w/c"),
    ]


def lasting_watches():
    zk, base = root("lasting")
    other = connect()
    values, lists = [], []
    zk.DataWatch(base, lambda data, stat: values.append(data))
    zk.ChildrenWatch(base, lambda names: lists.append(sorted(names)))
    for i in range(5):
        other.set(base, b"%d" % i)
        wait_until("the value", lambda: values[-1] == b"%d" % i)
        other.create(f"{base}/{i}")
        wait_until("the list", lambda: lists[-1] == [str(n) for n in range(i + 1)])


def pipelined_requests():
    zk, base = root("pipeline")
    creates = [zk.create_async(f"{base}/{i}", b"%d" % i) for i in range(300)]
    reads = [zk.get_async(f"{base}/{i}") for i in range(300)]
    assert [c.get(suite.PATIENCE) for c in creates] == [f"{base}/{i}" for i in range(300)]
    assert [r.get(suite.PATIENCE)[0] for r in reads] == [b"%d" % i for i in range(300)]
    assert zk.sync(base) == base


def four_letter_words():
    zk = connect()
    assert zk.command(b"ruok") == "imok"
    assert zk.command(b"isro") == "rw"
    assert "Mode: standalone" in zk.command(b"srvr")
    assert "Mode: standalone" in zk.command(b"stat")
    metrics = dict(line.split("\t", 1) for line in zk.command(b"mntr").splitlines() if "\t" in line)
    assert metrics["zk_server_state"] == "standalone"
    assert int(metrics["zk_znode_count"]) >= 5


def reconnect_keeps_the_session():
    proxy = Proxy(ADDRESS)
    zk = connect(proxy.address)
    other, base = root("reconnect")
    zk.create(base + "/e", ephemeral=True)
    session = zk.client_id
    proxy.cut()
    wait_until("suspended", lambda: KazooState.SUSPENDED in zk.seen)
    wait_until("connected", lambda: zk.seen[-1] == KazooState.CONNECTED)
    assert zk.client_id == session and KazooState.LOST not in zk.seen
    assert zk.retry(zk.exists, base + "/e").ephemeralOwner == session[0]
    assert other.exists(base + "/e") is not None


def silent_session_expires():
    proxy = Proxy(ADDRESS)
    zk = connect(proxy.address, timeout=10.0)
    other, base = root("expiry")
    zk.create(base + "/e", ephemeral=True)
    gone = threading.Event()
    assert other.exists(base + "/e", watch=lambda event: gone.set())
    before = zk.client_id
    proxy.cut(refuse=True)
    assert gone.wait(suite.PATIENCE), "the ephemeral of a silent session must go"
    proxy.open()
    wait_until("lost", lambda: KazooState.LOST in zk.seen)
    wait_until("connected again", lambda: zk.seen[-1] == KazooState.CONNECTED)
    assert zk.client_id[0] != before[0]
    assert other.client_id[0] == other.exists(other.create(base + "/o", ephemeral=True)).ephemeralOwner


def session_taken_over_and_closed():
    zk, base = root("takeover")
    zk.create(base + "/e", ephemeral=True)
    observer = connect()
    before = zk.client_id
    twin = connect(client_id=before)
    assert twin.client_id == before
    twin.stop()
    wait_until("the ephemeral is gone", lambda: observer.exists(base + "/e") is None)
    wait_until("lost", lambda: KazooState.LOST in zk.seen)
    wait_until("a session of its own", lambda: zk.client_id and zk.client_id[0] != before[0])


def wrong_password_is_expired():
    zk, base = root("password")
    session, _ = zk.client_id
    intruder = connect(client_id=(session, b"\1" * 16))
    wait_until("a session of its own", lambda: intruder.connected and intruder.client_id[0] != session)
    wait_until("the owner is back", lambda: zk.seen[-1] == KazooState.CONNECTED)
    assert zk.client_id[0] == session, "a wrong password must not end the session"
    assert zk.retry(zk.exists, base)


def close_deletes_ephemerals():
    observer, base = root("close")
    zk = connect()
    zk.create(base + "/e", ephemeral=True)
    gone = threading.Event()
    observer.exists(base + "/e", watch=lambda event: gone.set())
    zk.stop()
    assert gone.wait(suite.PATIENCE)
    assert observer.exists(base + "/e") is None


def lock_excludes():
    inside, most, done = [0], [0], []

    def worker(name):
        lock = connect().Lock("/kazoo-lock", name)
        for _ in range(10):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1
        done.append(name)

    threads = [threading.Thread(target=worker, args=(f"w{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(suite.PATIENCE)
    assert len(done) == 3 and most[0] == 1, (done, most)


def other_recipes():
    zk = connect()
    counter = zk.Counter("/kazoo-counter")
    for _ in range(5):
        counter += 2
    assert counter.value == 10
    queue = zk.Queue("/kazoo-queue")
    queue.put(b"a")
    queue.put(b"b")
    assert (queue.get(), queue.get(), queue.get()) == (b"a", b"b", None)
    party = zk.Party("/kazoo-party", "me")
    party.join()
    assert list(party) == ["me"]
    elected = []
    zk.Election("/kazoo-election", "me").run(elected.append, "me")
    assert elected == ["me"]


TESTS = [
    create_modes,
    create_answers_with_stat,
    data_and_versions,
    errors_by_kind,
    children_and_counts,
    data_of_every_size,
    access_control,
    transactions,
    one_shot_watches,
    lasting_watches,
    pipelined_requests,
    four_letter_words,
    reconnect_keeps_the_session,
    silent_session_expires,
    session_taken_over_and_closed,
    wrong_password_is_expired,
    close_deletes_ephemerals,
    lock_excludes,
    other_recipes,
]

if __name__ == "__main__":
    suite.run(sys.argv[2], TESTS)
