"""Clients of others authenticate by DIGEST-MD5 on the server at the given address."""

import logging
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from kazoo.client import KazooClient
from kazoo.exceptions import AuthFailedError, NoAuthError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.retry import KazooRetry
from kazoo.security import make_acl

import suite
from proxy import Proxy
from suite import expect_error

logging.disable(logging.CRITICAL)  # the refusals below are meant
START_LIMIT = suite.PATIENCE
ADDRESS, NAME, CLASSPATH, FILES = sys.argv[1:5]
USERS = {"bob": "builder", 'qu"o\\te': 'pa"ss\\word', "ünï": "pässwörd", "日本": "暗号"}


def kazoo(user, password, address=ADDRESS):
    options = {"mechanism": "DIGEST-MD5", "username": user, "password": password}
    retry = KazooRetry(max_tries=100, delay=0.05, max_delay=0.2)
    client = KazooClient(hosts=address, timeout=20, sasl_options=options, connection_retry=retry)
    client.start(timeout=START_LIMIT)
    return client


def stop(client):
    client.stop()
    client.close()


def kazoo_is_who_it_says():
    client = kazoo("bob", USERS["bob"])
    client.create("/bobs", b"", acl=[make_acl("sasl", "bob", all=True)])
    client.create("/eves", b"", acl=[make_acl("sasl", "eve", all=True)])
    client.get("/bobs")
    expect_error(NoAuthError, client.get, "/eves")
    stop(client)


def kazoo_with_a_wrong_password_is_refused():
    for user in "bob", "eve":
        began = time.monotonic()
        try:
            client = kazoo(user, "guess")
        except KazooTimeoutError:
            # Refused before kazoo looked whether it was connected: it says so, too, but at once.
            assert time.monotonic() - began < START_LIMIT, "nobody answered"
            continue
        expect_error(AuthFailedError, client.get, "/")
        stop(client)


def kazoo_is_the_same_on_each_connection():
    proxy = Proxy(ADDRESS)
    client = kazoo("bob", USERS["bob"], proxy.address)
    client.create("/kazoos", b"", acl=[make_acl("sasl", "bob", all=True)])
    for _ in range(3):
        proxy.cut()
        client.retry(client.get, "/kazoos")
    stop(client)


def java(user, password, *commands):
    """What Apache's client prints as that user."""
    quoted = lambda text: text.replace("\\", "\\\\").replace('"', '\\"')
    jaas = os.path.join(FILES, "client.conf")
    with open(jaas, "w", encoding="utf-8") as file:
        file.write(
            "Client {\n  org.apache.zookeeper.server.auth.DigestLoginModule required\n"
            f'  username="{quoted(user)}"\n  password="{quoted(password)}";\n}};\n'
        )
    program = ["java", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8"]
    program += [f"-Djava.security.auth.login.config={jaas}", "-cp", CLASSPATH]
    program += ["-Dsun.stdout.encoding=UTF-8", "-Dorg.slf4j.simpleLogger.logFile=System.out"]
    program += ["org.apache.zookeeper.ZooKeeperMain", "-server", ADDRESS]
    lines = "\n".join([*commands, "quit"]) + "\n"
    done = subprocess.run(program, input=lines, capture_output=True, timeout=suite.PATIENCE, encoding="utf-8")
    return done.stdout + done.stderr


def java_is_who_it_says():
    for number, (user, password) in enumerate(USERS.items()):
        said = java(user, password, "whoami", f"create /java-{number} x auth::cdrwa", f"getAcl /java-{number}")
        assert f"sasl: {user}" in said, said
        assert f"'sasl,'{user}" in said, said


def java_with_a_wrong_password_is_refused():
    said = java("bob", "guess", "whoami")
    assert "AuthFailed" in said and "sasl: bob" not in said, said


suite.run(
    NAME,
    [
        kazoo_is_who_it_says,
        kazoo_with_a_wrong_password_is_refused,
        kazoo_is_the_same_on_each_connection,
        java_is_who_it_says,
        java_with_a_wrong_password_is_refused,
    ],
)
