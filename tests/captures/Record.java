import static org.apache.zookeeper.ZooDefs.Ids.CREATOR_ALL_ACL;
import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs.OpCode;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/** Does every client operation once and writes the frames of each as NAME.hex. */
public final class Record {
    private static final byte[] NO_PASSWORD = new byte[16];
    private final Path directory;
    private final RecordingProxy proxy;
    private final String direct;
    private int written;

    private interface Step {
        void run() throws Exception;
    }

    private Record(Path directory, String host, int port) throws IOException {
        this.directory = directory;
        this.proxy = new RecordingProxy(host, port);
        this.direct = host + ":" + port;
    }

    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[0]);
        Record plain = new Record(directory, "127.0.0.1", Integer.parseInt(args[1]));
        plain.session();
        plain.operations();
        plain.watches();
        plain.reconnect();
        plain.refused();
        plain.save("reconfig_disabled", plain::reconfig);
        Record reconfigurable = new Record(directory, "127.0.0.1", Integer.parseInt(args[2]));
        reconfigurable.save("reconfig_standalone", reconfigurable::reconfig);
        System.out.println(plain.written + reconfigurable.written + " exchanges recorded");
        System.exit(0);
    }

    private void save(String name, Step step) throws Exception {
        proxy.clear();
        step.run();
        List<String> lines = proxy.lines();
        if (lines.isEmpty()) {
            throw new IllegalStateException(name + ": nothing was sent");
        }
        Files.write(directory.resolve(name + ".hex"), lines);
        written++;
    }

    private void fails(String name, KeeperException.Code code, Step step) throws Exception {
        save(name, () -> {
            try {
                step.run();
            } catch (KeeperException e) {
                if (e.code() == code) {
                    return;
                }
                throw e;
            }
            throw new IllegalStateException(name + ": the server accepted it");
        });
    }

    private ZooKeeper open(String address, Watcher watcher) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper zk = new ZooKeeper(address, 4_000, event -> {
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
                connected.countDown();
            }
            watcher.process(event);
        });
        if (!connected.await(10, TimeUnit.SECONDS)) {
            throw new IllegalStateException("no session at " + address);
        }
        return zk;
    }

    private ZooKeeper open() throws Exception {
        return open("127.0.0.1:" + proxy.port(), event -> { });
    }

    private void session() throws Exception {
        ZooKeeper[] zk = new ZooKeeper[1];
        save("connect_new", () -> zk[0] = open());
        proxy.keepPings(true);
        save("ping", () -> {
            synchronized (proxy) {
                while (proxy.lines().size() < 2) {
                    proxy.wait(10_000);
                }
            }
        });
        proxy.keepPings(false);
        save("close_session", () -> zk[0].close());
        for (Boolean readOnly : new Boolean[] {null, false, true}) {
            String form = readOnly == null ? "before_read_only" : readOnly ? "read_only" : "read_write";
            save("connect_" + form, () -> {
                try (RawConnection raw = new RawConnection(proxy.port())) {
                    raw.connect(0, 0, NO_PASSWORD, readOnly);
                }
            });
        }
        save("connect_expired", () -> {
            try (RawConnection raw = new RawConnection(proxy.port())) {
                raw.connect(0, 0x1234, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8}, false);
            }
        });
        save("connect_expired_before_read_only", () -> {
            try (RawConnection raw = new RawConnection(proxy.port())) {
                raw.connect(0, 0x1234, NO_PASSWORD, null);
            }
        });
    }

    private void operations() throws Exception {
        ZooKeeper zk = open();
        byte[] data = "data".getBytes();
        save("create_persistent", () -> zk.create("/r", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        save("create_ephemeral", () -> zk.create("/r/e", data, OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL));
        save("create_sequential", () -> zk.create("/r/s-", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL));
        save("create_ephemeral_sequential", () -> zk.create("/r/es-", data, OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL));
        save("create_empty_data", () -> zk.create("/r/empty", new byte[0], OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        save("create_null_data", () -> zk.create("/r/null", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        save("create_unicode_path", () -> zk.create("/r/größe-☃", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        save("create2", () -> zk.create("/r/two", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, new Stat()));
        save("create_container", () -> zk.create("/r/c", data, OPEN_ACL_UNSAFE, CreateMode.CONTAINER));
        save("create_ttl", () -> zk.create("/r/t", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, new Stat(), 600_000));
        save("create_ttl_sequential", () -> zk.create("/r/t-", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, new Stat(), 600_000));
        fails("create_no_node", KeeperException.Code.NONODE, () -> zk.create("/none/x", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        fails("create_node_exists", KeeperException.Code.NODEEXISTS, () -> zk.create("/r", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        fails("create_under_ephemeral", KeeperException.Code.NOCHILDRENFOREPHEMERALS, () -> zk.create("/r/e/x", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        fails("create_invalid_acl", KeeperException.Code.INVALIDACL, () -> zk.create("/r/x", data, CREATOR_ALL_ACL, CreateMode.PERSISTENT));
        save("exists", () -> zk.exists("/r", false));
        save("exists_no_node", () -> zk.exists("/none", false));
        save("get_data", () -> zk.getData("/r", false, new Stat()));
        save("get_data_null", () -> zk.getData("/r/null", false, new Stat()));
        save("get_data_ephemeral", () -> zk.getData("/r/e", false, new Stat()));
        fails("get_data_no_node", KeeperException.Code.NONODE, () -> zk.getData("/none", false, new Stat()));
        save("set_data", () -> zk.setData("/r", "new".getBytes(), 0));
        fails("set_data_bad_version", KeeperException.Code.BADVERSION, () -> zk.setData("/r", data, 7));
        save("get_children", () -> zk.getChildren("/r", false));
        save("get_children_none", () -> zk.getChildren("/r/two", false));
        save("get_children2", () -> zk.getChildren("/r", false, new Stat()));
        save("sync", () -> {
            CountDownLatch done = new CountDownLatch(1);
            zk.sync("/r", (rc, path, ctx) -> done.countDown(), null);
            done.await(10, TimeUnit.SECONDS);
        });
        save("get_ephemerals", () -> zk.getEphemerals("/r"));
        save("get_all_children_number", () -> zk.getAllChildrenNumber("/r"));
        access(zk, data);
        multis(zk, data);
        fails("delete_bad_version", KeeperException.Code.BADVERSION, () -> zk.delete("/r/two", 3));
        fails("delete_not_empty", KeeperException.Code.NOTEMPTY, () -> zk.delete("/r", -1));
        fails("delete_no_node", KeeperException.Code.NONODE, () -> zk.delete("/none", -1));
        save("delete", () -> zk.delete("/r/two", 0));
        zk.close();
    }

    private void access(ZooKeeper zk, byte[] data) throws Exception {
        save("who_am_i", zk::whoAmI);
        save("auth_digest", () -> {
            zk.addAuthInfo("digest", "user:secret".getBytes());
            zk.exists("/r", false);
        });
        save("who_am_i_digest", zk::whoAmI);
        save("create_creator_all", () -> zk.create("/r/mine", data, CREATOR_ALL_ACL, CreateMode.PERSISTENT));
        save("get_acl", () -> zk.getACL("/r/mine", new Stat()));
        save("set_acl", () -> zk.setACL("/r/mine", Arrays.asList(
                new ACL(1, new Id("world", "anyone")), new ACL(31, new Id("auth", ""))), 0));
        fails("set_acl_bad_version", KeeperException.Code.BADVERSION, () -> zk.setACL("/r/mine", OPEN_ACL_UNSAFE, 9));
        ZooKeeper stranger = open();
        fails("set_data_no_auth", KeeperException.Code.NOAUTH, () -> stranger.setData("/r/mine", data, -1));
        save("get_acl_hidden_digest", () -> stranger.getACL("/r/mine", new Stat()));
        stranger.close();
    }

    private void multis(ZooKeeper zk, byte[] data) throws Exception {
        save("multi_ok", () -> zk.multi(Arrays.asList(
                Op.check("/r", 1),
                Op.create("/r/m", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
                Op.create("/r/mc", data, OPEN_ACL_UNSAFE, CreateMode.CONTAINER),
                Op.create("/r/mt", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, 600_000),
                Op.setData("/r/m", "again".getBytes(), 0),
                Op.delete("/r/m", 1))));
        fails("multi_failed", KeeperException.Code.NONODE, () -> zk.multi(Arrays.asList(
                Op.create("/r/m", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
                Op.delete("/none", -1),
                Op.setData("/r/m", data, -1))));
        save("multi_read", () -> zk.multi(Arrays.asList(
                Op.getData("/r"), Op.getChildren("/r"), Op.getData("/none"), Op.getChildren("/none"))));
        save("multi_create2", () -> {
            try (RawConnection raw = new RawConnection(proxy.port())) {
                raw.connect(0, 0, NO_PASSWORD, false);
                raw.request(1, OpCode.multi, o -> {
                    header(o, OpCode.create2, false);
                    createBody(o, "/r/m2", 0);
                    header(o, -1, true);
                });
                raw.request(2, OpCode.multi, o -> header(o, -1, true));
            }
        });
    }

    private static void header(java.io.DataOutputStream o, int type, boolean done) throws IOException {
        o.writeInt(type);
        o.writeBoolean(done);
        o.writeInt(-1);
    }

    private static void createBody(java.io.DataOutputStream o, String path, int flags) throws IOException {
        RawConnection.string(o, path);
        RawConnection.string(o, "data");
        o.writeInt(1);
        o.writeInt(31);
        RawConnection.string(o, "world");
        RawConnection.string(o, "anyone");
        o.writeInt(flags);
    }

    private void watches() throws Exception {
        LinkedBlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
        Watcher watcher = event -> keepServerEvents(events, event);
        ZooKeeper zk = open();
        ZooKeeper other = open(direct, event -> { });
        byte[] data = "w".getBytes();
        save("watch_exists_created", () -> {
            zk.exists("/w", watcher);
            other.create("/w", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            expect(events, 1);
        });
        save("watch_data_changed", () -> {
            zk.getData("/w", watcher, null);
            other.setData("/w", data, -1);
            expect(events, 1);
        });
        save("watch_children_changed", () -> {
            zk.getChildren("/w", watcher);
            other.create("/w/c", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            expect(events, 1);
        });
        save("watch_children2_deleted", () -> {
            zk.getData("/w/c", watcher, null);
            zk.getChildren("/w/c", watcher, new Stat());
            zk.getChildren("/w", watcher, new Stat());
            other.delete("/w/c", -1);
            expect(events, 2);
        });
        save("add_watch_persistent", () -> {
            zk.addWatch("/w", watcher, AddWatchMode.PERSISTENT);
            other.setData("/w", data, -1);
            other.create("/w/p", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            expect(events, 2);
        });
        save("check_watches", () -> zk.removeWatches("/w", watcher, Watcher.WatcherType.Any, false));
        save("add_watch_recursive", () -> {
            zk.addWatch("/w", watcher, AddWatchMode.PERSISTENT_RECURSIVE);
            other.create("/w/p/q", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            other.delete("/w/p/q", -1);
            expect(events, 2);
        });
        save("remove_watches", () -> zk.removeAllWatches("/w", Watcher.WatcherType.Any, false));
        zk.close();
        other.close();
    }

    /** The client makes events of its own (state changes, removed watches); they are no frames. */
    private static void keepServerEvents(LinkedBlockingQueue<WatchedEvent> events, WatchedEvent event) {
        int type = event.getType().getIntValue();
        if (type >= 1 && type <= 4) {
            events.add(event);
        }
    }

    private static void expect(LinkedBlockingQueue<WatchedEvent> events, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            if (events.poll(10, TimeUnit.SECONDS) == null) {
                throw new IllegalStateException("event " + (i + 1) + " of " + count + " did not come");
            }
        }
    }

    private void reconnect() throws Exception {
        ZooKeeper other = open(direct, event -> { });
        byte[] data = "x".getBytes();
        for (boolean persistent : new boolean[] {false, true}) {
            String base = persistent ? "/again2" : "/again1";
            other.create(base, data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            LinkedBlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
            Watcher watcher = event -> keepServerEvents(events, event);
            ZooKeeper zk = open();
            zk.addAuthInfo("digest", "user:secret".getBytes());
            zk.getData(base, watcher, null);
            zk.getChildren(base, watcher);
            zk.exists(base + "/later", watcher);
            zk.exists(base + "/never", watcher);
            if (persistent) {
                zk.addWatch(base + "/p", watcher, AddWatchMode.PERSISTENT);
                zk.addWatch(base + "/r", watcher, AddWatchMode.PERSISTENT_RECURSIVE);
            }
            save(persistent ? "reconnect_set_watches2" : "reconnect_set_watches", () -> {
                proxy.cut();
                other.setData(base, data, -1);
                other.create(base + "/later", data, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
                proxy.open();
                expect(events, 3);
                untilAnswered(zk);
            });
            zk.close();
        }
        other.close();
    }

    private static void untilAnswered(ZooKeeper zk) throws Exception {
        while (true) {
            try {
                zk.exists("/", false);
                return;
            } catch (KeeperException.ConnectionLossException again) {
                // The client is still on its way back.
            }
        }
    }

    /** What a careful client never sends, and what comes back. */
    private void refused() throws Exception {
        raw("unknown_operation", 77, o -> { });
        raw("undecodable_body", OpCode.getData, o -> o.writeInt(99));
        raw("create_bad_path", OpCode.create, o -> createBody(o, "/r/./x", 0));
        raw("create_bad_flags", OpCode.create, o -> createBody(o, "/r/x", 9));
        raw("check_watches_none", OpCode.checkWatches, o -> watchBody(o, 3));
        raw("remove_watches_none", OpCode.removeWatches, o -> watchBody(o, 2));
        raw("remove_watches_bad_kind", OpCode.removeWatches, o -> watchBody(o, 42));
        raw("add_watch_bad_mode", OpCode.addWatch, o -> watchBody(o, 42));
        raw("get_ephemerals_none", OpCode.getEphemerals, o -> RawConnection.string(o, "/"));
        raw("sasl_unconfigured", OpCode.sasl, o -> RawConnection.string(o, "token"));
        raw("multi_mixed", OpCode.multi, o -> {
            header(o, OpCode.setACL, false);
            header(o, -1, true);
        });
        raw("delete_container_by_client", OpCode.deleteContainer, o -> RawConnection.string(o, "/r/c"));
        save("set_watches_reserved_xid", () -> {
            try (RawConnection raw = new RawConnection(proxy.port())) {
                raw.connect(0, 0, NO_PASSWORD, false);
                raw.send(o -> {
                    o.writeInt(-8);
                    o.writeInt(OpCode.setWatches);
                    o.writeLong(0);
                    for (String path : List.of("/r", "/none", "/r")) {
                        o.writeInt(1);
                        RawConnection.string(o, path);
                    }
                });
                List<byte[]> frames = new ArrayList<>();
                while (frames.isEmpty() || frames.get(frames.size() - 1)[3] != -8) {
                    frames.add(raw.receive());
                }
            }
        });
        save("auth_unknown_scheme", () -> {
            try (RawConnection raw = new RawConnection(proxy.port())) {
                raw.connect(0, 0, NO_PASSWORD, false);
                raw.request(-4, OpCode.auth, o -> {
                    o.writeInt(0);
                    RawConnection.string(o, "nonsense");
                    RawConnection.string(o, "user:secret");
                });
            }
        });
    }

    private static void watchBody(java.io.DataOutputStream o, int kind) throws IOException {
        RawConnection.string(o, "/r");
        o.writeInt(kind);
    }

    private void raw(String name, int op, RawConnection.Body body) throws Exception {
        save(name, () -> {
            try (RawConnection raw = new RawConnection(proxy.port())) {
                raw.connect(0, 0, NO_PASSWORD, false);
                raw.request(1, op, body);
            }
        });
    }

    private void reconfig() throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeperAdmin admin = new ZooKeeperAdmin("127.0.0.1:" + proxy.port(), 4_000, e -> connected.countDown());
        connected.await(10, TimeUnit.SECONDS);
        proxy.clear();
        try {
            admin.reconfigure("server.2=127.0.0.1:2888:3888;2181", "3", null, -1, new Stat());
            throw new IllegalStateException("a standalone server was reconfigured");
        } catch (KeeperException refusal) {
            System.out.println("reconfig: " + refusal.code());
        }
        List<String> lines = proxy.lines();
        admin.close();
        if (lines.size() != 2) {
            throw new IllegalStateException("reconfig: " + lines.size() + " frames");
        }
    }
}
