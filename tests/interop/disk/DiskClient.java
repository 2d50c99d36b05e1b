import java.io.PrintStream;
import java.math.BigInteger;
import java.util.*;
import java.util.concurrent.*;
import org.apache.zookeeper.*;

/**
 * One session that does what it is told, in order, and then ends without a word to the server:
 * DiskClient ADDRESS COMMAND[:ARGUMENT]…
 */
public class DiskClient {
    static final int TIMEOUT_MS = 3_600_000;

    /** Goes on with a session of another process. */
    static ZooKeeper resume(String address, long id, byte[] password) throws Exception {
        CompletableFuture<Watcher.Event.KeeperState> state = new CompletableFuture<>();
        ZooKeeper zk = new ZooKeeper(address, TIMEOUT_MS, event -> {
            if (event.getState() != Watcher.Event.KeeperState.Disconnected) state.complete(event.getState());
        }, id, password);
        if (state.get(60, TimeUnit.SECONDS) != Watcher.Event.KeeperState.SyncConnected)
            throw new Exception("the session cannot be resumed: " + state.get());
        return zk;
    }

    /** Many writes in flight at once, so that the log is written in batches. */
    static void many(ZooKeeper zk, String top, int count) throws Exception {
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            all.add(done);
            zk.create(top + "/n-" + i, WriteFixture.bytes("v" + i), WriteFixture.OPEN, CreateMode.PERSISTENT,
                (rc, path, ctx, name) -> {
                    if (rc == 0) done.complete(null);
                    else done.completeExceptionally(KeeperException.create(KeeperException.Code.get(rc), path));
                }, null);
        }
        for (CompletableFuture<Void> done : all) done.get(60, TimeUnit.SECONDS);
        for (int i = 0; i < count; i += 3) zk.delete(top + "/n-" + i, 0);
        for (int i = 1; i < count; i += 3) zk.setData(top + "/n-" + i, WriteFixture.bytes("w" + i), 0);
    }

    static void run(String address, String[] commands) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        ZooKeeper zk = null;
        for (String command : commands) {
            String[] words = command.split(":");
            if (words[0].equals("resume")) {
                byte[] password = new BigInteger(words[2], 16).toByteArray();
                byte[] exact = new byte[16];
                int len = Math.min(16, password.length);
                System.arraycopy(password, password.length - len, exact, 16 - len, len);
                zk = resume(address, Long.parseLong(words[1]), exact);
                continue;
            }
            if (zk == null) zk = WriteFixture.connect(address, TIMEOUT_MS);
            switch (words[0]) {
                case "work": WriteFixture.work(address, zk, words[1]); break;
                case "many": many(zk, words[1], Integer.parseInt(words[2])); break;
                case "large":
                    byte[] data = new byte[1_000_000];
                    new Random(words[1].hashCode()).nextBytes(data);
                    zk.create(words[1] + "/large", data, WriteFixture.OPEN, CreateMode.PERSISTENT);
                    zk.setData(words[1] + "/large", data, 0);
                    break;
                case "dump":
                    zk.addAuthInfo("digest", WriteFixture.bytes("user:password"));
                    WriteFixture.dump(zk, "/", out);
                    break;
                case "session":
                    out.println("session:" + zk.getSessionId() + ":"
                        + new BigInteger(1, zk.getSessionPasswd()).toString(16));
                    break;
                case "close": zk.close(); break;
                default: throw new Exception("no such command: " + command);
            }
        }
        out.flush();
    }

    public static void main(String[] args) {
        try {
            run(args[0], Arrays.copyOfRange(args, 1, args.length));
            Runtime.getRuntime().halt(0);
        } catch (Throwable error) {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }
}
