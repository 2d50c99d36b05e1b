// What Curator's recipes cost: java CuratorBench HOST:PORT WORKLOAD SECS WARMUP
// Prints one line of JSON, as the example bench_client does.
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.retry.RetryOneTime;

public class CuratorBench {
    static final byte[] DATA = new byte[128];
    static final OperatingSystemMXBean OS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    static final List<Long> LATENCIES = Collections.synchronizedList(new ArrayList<>());
    static long from, to;
    /** When the lock was given back last. */
    static volatile long released;

    interface Round { void run() throws Exception; }

    static CuratorFramework connect(String server) throws Exception {
        CuratorFramework client =
                CuratorFrameworkFactory.newClient(server, 20_000, 10_000, new RetryOneTime(100));
        client.start();
        client.blockUntilConnected();
        return client;
    }

    static boolean open() { return System.nanoTime() < to; }

    static void note(long began) {
        long now = System.nanoTime();
        if (began >= from && now <= to) LATENCIES.add(now - began);
    }

    static Thread worker(Round round) {
        Thread thread = new Thread(() -> {
            try {
                while (open()) {
                    long began = System.nanoTime();
                    round.run();
                    note(began);
                }
            } catch (Exception error) {
                // At the end the clients are closed under those who still wait.
                if (open()) {
                    error.printStackTrace();
                    System.exit(1);
                }
            }
        });
        thread.start();
        return thread;
    }

    static Thread waiter(InterProcessMutex mutex) {
        Thread thread = new Thread(() -> {
            try {
                while (open()) {
                    mutex.acquire();
                    note(released);
                    released = System.nanoTime();
                    mutex.release();
                }
            } catch (Exception error) {
                if (open()) System.exit(1);
            }
        });
        thread.start();
        return thread;
    }

    static Thread latches(CuratorFramework[] clients) {
        Thread thread = new Thread(() -> {
            try {
                LeaderLatch leader = new LeaderLatch(clients[0], "/bench/curator-latch", "leader");
                leader.start();
                leader.await();
                for (int turn = 1; open(); turn++) {
                    LeaderLatch backup =
                            new LeaderLatch(clients[turn % 2], "/bench/curator-latch", "backup");
                    backup.start();
                    while (backup.getParticipants().size() < 2) { }
                    long began = System.nanoTime();
                    leader.close();
                    backup.await();
                    note(began);
                    leader = backup;
                }
                leader.close();
            } catch (Exception error) {
                // At the end the clients are closed under those who still wait.
                if (open()) {
                    error.printStackTrace();
                    System.exit(1);
                }
            }
        });
        thread.start();
        return thread;
    }

    public static void main(String[] arguments) throws Exception {
        String work = arguments[1];
        double secs = Double.parseDouble(arguments[2]), warmup = Double.parseDouble(arguments[3]);
        int tasks = work.equals("lock8") ? 8 : work.equals("waiters2") ? 2 : work.equals("waiters1000") ? 1000 : 1;
        CuratorFramework[] clients = new CuratorFramework[work.equals("latch") ? 2 : Math.min(tasks, 8)];
        for (int i = 0; i < clients.length; i++) clients[i] = connect(arguments[0]);
        from = System.nanoTime() + (long) (warmup * 1e9);
        to = from + (long) (secs * 1e9);
        released = from;
        int opsPerRound = work.equals("queue") ? 2 : 1;
        List<Thread> threads = new ArrayList<>();
        if (work.equals("latch")) {
            threads.add(latches(clients));
        } else if (work.equals("queue")) {
            SimpleDistributedQueue queue = new SimpleDistributedQueue(clients[0], "/bench/simple-queue");
            threads.add(worker(() -> { queue.offer(DATA); queue.take(); }));
        } else if (work.startsWith("lock") || work.startsWith("waiters")) {
            for (int i = 0; i < tasks; i++) {
                InterProcessMutex mutex = new InterProcessMutex(clients[i % clients.length], "/bench/lock");
                threads.add(work.startsWith("lock")
                        ? worker(() -> { mutex.acquire(); mutex.release(); })
                        : waiter(mutex));
            }
        } else {
            System.out.printf("{\"client\":\"curator\",\"workload\":\"%s\",\"skipped\":\"no recipe\"}%n", work);
            System.exit(0);
        }
        Thread.sleep(Math.max(0, (from - System.nanoTime()) / 1_000_000));
        long before = OS.getProcessCpuTime();
        Thread.sleep(Math.max(0, (to - System.nanoTime()) / 1_000_000));
        long cpu = OS.getProcessCpuTime() - before;
        List<Long> latencies = new ArrayList<>(LATENCIES);
        Collections.sort(latencies);
        long ops = (long) latencies.size() * opsPerRound;
        double half = latencies.isEmpty() ? 0 : latencies.get(latencies.size() / 2) / 1e3;
        double last = latencies.isEmpty() ? 0 : latencies.get(latencies.size() * 99 / 100) / 1e3;
        System.out.printf(Locale.ROOT,
                "{\"client\":\"curator\",\"workload\":\"%s\",\"tasks\":%d,\"secs\":%.3f,\"ops\":%d,\"ops_s\":%.1f,"
                        + "\"p50_us\":%.1f,\"p99_us\":%.1f,\"cpu_us_op\":%.2f}%n",
                work, tasks, secs, ops, ops / secs, half, last, cpu / 1e3 / Math.max(1, ops));
        System.out.flush();
        for (CuratorFramework client : clients) client.close();
        Runtime.getRuntime().halt(0);
    }
}
