"""Service discovery: instances are the same to both, whoever registered them."""

import json

from suite import wait_until

BASE = "/mixed/services"
COMMON = {"name": "api", "address": "10.0.0.1"}
INSTANCES = [
    {"id": "plain", "type": "DYNAMIC", "port": 80},
    {"id": "secure", "type": "DYNAMIC", "port": 80, "ssl_port": 443,
     "uri": "{scheme}://{address}:{ssl-port}/{name}/{id}?[x]"},
    {"id": "static", "type": "STATIC", "port": 1, "uri": "tcp://{address}:{port}"},
    {"id": "permanent", "type": "PERMANENT", "port": 1},
    {"id": "sequential", "type": "DYNAMIC_SEQUENTIAL", "port": 1},
    {"id": "without-port", "type": "DYNAMIC"},
    {"id": "text", "type": "DYNAMIC", "payload": "text \u00fc"},
    {"id": "number", "type": "DYNAMIC", "payload": 17},
    {"id": "fraction", "type": "DYNAMIC", "payload": 1.5},
    {"id": "flag", "type": "DYNAMIC", "payload": True},
]


def seen(worker, name="api"):
    instances = worker.call("instances", path=BASE, name=name)
    # When it was registered is the registrar's affair.
    return {id_: {**fields, "registered_ms": None} for id_, fields in instances.items()}


def instances_are_the_same_to_both(world):
    workers = world.crew.one_of_each("curator", "ours")
    views = {}
    for registrar in workers:
        tasks = [registrar.start("register", path=BASE, instance={**COMMON, **instance})
                 for instance in INSTANCES]
        said = [task.wait_said("registered") for task in tasks]
        for reader in workers:
            assert reader.call("services", path=BASE) == ["api"]
            views[registrar.kind, reader.kind] = seen(reader)
        written = world.admin.get(f"{BASE}/api/plain")[0]
        views[registrar.kind] = json.loads(written)
        for task, notice in zip(tasks, said):
            task.go(notice)
            task.result()
        if registrar.kind == "ours":
            wait_until("all unregistered", lambda: not seen(registrar))
        else:
            world.forget_sequential(BASE, "api")
    first = views["curator", "curator"]
    assert len(first) == len(INSTANCES), first
    for pair, view in views.items():
        if isinstance(pair, tuple):
            different = {id_: (first[id_], view.get(id_)) for id_ in first
                         if first[id_] != view.get(id_)}
            assert not different, (pair, different)


def the_json_has_the_same_members(world):
    """The node of one and the same instance, written by each: only the time may differ."""
    written = {}
    for registrar in world.crew.one_of_each("curator", "ours"):
        for instance in INSTANCES[:3]:
            task = registrar.start(
                "register", path=BASE, instance={**COMMON, **instance, "name": "bytes"})
            said = task.wait_said("registered")
            node = json.loads(world.admin.get(f"{BASE}/bytes/{instance['id']}")[0])
            assert node.pop("registrationTimeUTC") > 1_500_000_000_000
            written.setdefault(instance["id"], []).append(node)
            task.go(said)
            task.result()
    for curators, ours in written.values():
        curators.pop("enabled", None)
        assert curators == ours, (curators, ours)


TESTS = [instances_are_the_same_to_both, the_json_has_the_same_members]
