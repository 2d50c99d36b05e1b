import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryNTimes;

/**
 * Takes and releases a lock ROUNDS times: Contender CONNECT SESSION_TIMEOUT_MS PATH ROUNDS NAME DIRECTORY
 * [hold].
 *
 * <p>Says "ready", waits for a line, and then works. While it holds the lock it keeps a file that
 * only one process can create, and writes down when it entered and left. With "hold" it never leaves.
 */
public final class Contender {
    public static void main(String[] args) throws Exception {
        int rounds = Integer.parseInt(args[3]);
        String name = args[4];
        Path held = Path.of(args[5], "held");
        Path log = Path.of(args[5], "log");
        CuratorFramework client = CuratorFrameworkFactory.newClient(
                args[0], Integer.parseInt(args[1]), 10_000, new RetryNTimes(200, 50));
        client.start();
        if (!client.blockUntilConnected(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("no server at " + args[0]);
        }
        InterProcessMutex mutex = new InterProcessMutex(client, args[2]);
        System.out.println("ready");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        commands.readLine();
        for (int round = 0; round < rounds; round++) {
            if (!mutex.acquire(60, TimeUnit.SECONDS)) {
                throw new IllegalStateException("not acquired within a minute");
            }
            try {
                try {
                    Files.createFile(held);
                } catch (FileAlreadyExistsException e) {
                    append(log, "violation " + name);
                    throw e;
                }
                append(log, "enter " + name);
                if (args.length > 6) {
                    commands.readLine();
                }
                append(log, "leave " + name);
                Files.delete(held);
            } finally {
                mutex.release();
            }
        }
        client.close();
    }

    private static void append(Path log, String line) throws Exception {
        Files.write(log, (line + "\n").getBytes(StandardCharsets.UTF_8),
                StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
}
