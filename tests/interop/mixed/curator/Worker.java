import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.ZooKeeper;

/** Curator's side of the mixed runs: Worker CONNECT SESSION_TIMEOUT_MS. See peers.py. */
public final class Worker {
    /** What a task does; its value is told to the driver. */
    interface Job {
        Object run(Task task) throws Exception;
    }

    static final ObjectMapper JSON = new ObjectMapper();
    static CuratorFramework client;
    private static final Map<String, Job> JOBS = new HashMap<>();
    private static final Map<Integer, Task> TASKS = new ConcurrentHashMap<>();
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    public static void main(String[] args) throws Exception {
        client = CuratorFrameworkFactory.newClient(
                args[0], Integer.parseInt(args[1]), 10_000, new RetryNTimes(400, 50));
        client.start();
        if (!client.blockUntilConnected((int) Task.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("no server at " + args[0]);
        }
        Locks.addTo(JOBS);
        Gatherings.addTo(JOBS);
        Queues.addTo(JOBS);
        Values.addTo(JOBS);
        Discovery.addTo(JOBS);
        ZooKeeper session = client.getZookeeperClient().getZooKeeper();
        StringBuilder password = new StringBuilder();
        for (byte b : session.getSessionPasswd()) {
            password.append(String.format("%02x", b));
        }
        print(JSON.createObjectNode().put("session", session.getSessionId())
                .put("password", password.toString()));
        work();
        client.close();
        System.exit(0);
    }

    private static void work() throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String text = lines.readLine(); text != null; text = lines.readLine()) {
            JsonNode line = JSON.readTree(text);
            int id = line.get("id").asInt();
            if (line.has("do")) {
                Task task = new Task(id, line);
                TASKS.put(id, task);
                threads.execute(() -> carryOut(id, task, JOBS.get(line.get("do").asText())));
            } else if (TASKS.containsKey(id)) {
                TASKS.get(id).answered(line.get("n").asInt(), line.get("go"));
            }
        }
    }

    private static void carryOut(int id, Task task, Job job) {
        ObjectNode line = JSON.createObjectNode().put("id", id);
        try {
            if (job == null) {
                throw new IllegalArgumentException("Curator has nothing of that kind");
            }
            line.set("done", JSON.valueToTree(job.run(task)));
        } catch (Throwable error) {
            StackTraceElement[] trace = error.getStackTrace();
            line.put("failed", error + (trace.length > 0 ? " at " + trace[0] : ""));
        }
        TASKS.remove(id);
        print(line);
    }

    static void print(ObjectNode line) {
        // One call for each line: lines of several threads must not mix.
        synchronized (OUT) {
            OUT.println(line);
        }
    }

    private Worker() {}
}
