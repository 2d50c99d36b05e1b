import com.fasterxml.jackson.databind.JsonNode;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.leader.Participant;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.Revoker;
import org.apache.curator.framework.recipes.shared.SharedCount;

/** What only one, or only so many, may have at a time. */
final class Locks {
    private interface Round {
        /** Gets in, says so, and out again; whether to go on. */
        boolean run() throws Exception;
    }

    static void addTo(Map<String, Worker.Job> jobs) {
        jobs.put("free", Locks::free);
        jobs.put("mutex", Locks::mutex);
        jobs.put("read_write", Locks::readWrite);
        jobs.put("semaphore", Locks::semaphore);
        jobs.put("semaphore_mutex", Locks::semaphoreMutex);
        jobs.put("latch", Locks::latch);
        jobs.put("selector", Locks::selector);
        jobs.put("latch_participants", Locks::latchParticipants);
        jobs.put("selector_participants", Locks::selectorParticipants);
        jobs.put("revocable", Locks::revocable);
        jobs.put("revoke", Locks::revoke);
    }

    private static Object rounds(Round round) throws Exception {
        int count = 1;
        while (round.run()) {
            count++;
        }
        return count;
    }

    /** The part in which the witness counts; whether to go on. */
    private static boolean inside(Task task, Map<String, Object> how) throws Exception {
        JsonNode first = task.say("enter", how);
        JsonNode second = task.say("leave");
        return !first.asText().equals("stop") && !second.asText().equals("stop");
    }

    private static Map<String, Object> by(String path, String as) throws Exception {
        Map<String, Object> how = new HashMap<>();
        how.put("as", as);
        how.put("token", Worker.client.checkExists().forPath(path).getCzxid());
        return how;
    }

    private static String pathOf(InterProcessMutex mutex) throws Exception {
        Method path = InterProcessMutex.class.getDeclaredMethod("getLockPath");
        path.setAccessible(true);
        return (String) path.invoke(mutex);
    }

    private static void acquire(InterProcessMutex mutex) throws Exception {
        if (!mutex.acquire(Task.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("not acquired in time");
        }
    }

    /** What a peer looks like that does not lock: the witness must see it. */
    private static Object free(Task task) throws Exception {
        Map<String, Object> how = new HashMap<>();
        how.put("as", "write");
        how.put("token", Long.MAX_VALUE);
        return rounds(() -> inside(task, how));
    }

    private static Object mutex(Task task) throws Exception {
        InterProcessMutex mutex = new InterProcessMutex(Worker.client, task.path());
        return rounds(() -> {
            acquire(mutex);
            try {
                return inside(task, by(pathOf(mutex), "write"));
            } finally {
                mutex.release();
            }
        });
    }

    /** Reads, writes, and, if so told, now and then becomes a reader while it is a writer. */
    private static Object readWrite(Task task) throws Exception {
        Random random = new Random(task.number("seed", 1));
        InterProcessReadWriteLock lock = new InterProcessReadWriteLock(Worker.client, task.path());
        return rounds(() -> {
            int choice = random.nextInt(5);
            if (choice < 3) {
                return held(task, lock.readLock(), "read");
            }
            boolean downgrades = task.arguments.has("downgrade");
            return choice == 4 && downgrades
                    ? downgrade(task, lock) : held(task, lock.writeLock(), "write");
        });
    }

    private static boolean held(Task task, InterProcessMutex mutex, String as) throws Exception {
        acquire(mutex);
        try {
            return inside(task, by(pathOf(mutex), as));
        } finally {
            mutex.release();
        }
    }

    private static boolean downgrade(Task task, InterProcessReadWriteLock lock) throws Exception {
        acquire(lock.writeLock());
        JsonNode first = task.say("enter", by(pathOf(lock.writeLock()), "write"));
        acquire(lock.readLock());
        // Who is let in by the release may say so before this task has its answer.
        task.say("downgrade");
        lock.writeLock().release();
        JsonNode second = task.say("leave");
        lock.readLock().release();
        return !first.asText().equals("stop") && !second.asText().equals("stop");
    }

    /** With the limit given, or with the one that is shared at `limit_path`. */
    private static Object semaphore(Task task) throws Exception {
        SharedCount shared = null;
        InterProcessSemaphoreV2 semaphore;
        if (task.arguments.has("limit_path")) {
            shared = new SharedCount(Worker.client, task.text("limit_path"), task.number("limit", 1));
            shared.start();
            semaphore = new InterProcessSemaphoreV2(Worker.client, task.path(), shared);
        } else {
            semaphore = new InterProcessSemaphoreV2(Worker.client, task.path(), task.number("limit", 1));
        }
        Object count = rounds(() -> {
            Lease lease = semaphore.acquire(Task.PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (lease == null) {
                throw new IllegalStateException("no lease in time");
            }
            try {
                return inside(task, Map.of());
            } finally {
                semaphore.returnLease(lease);
            }
        });
        if (shared != null) {
            shared.close();
        }
        return count;
    }

    private static Object semaphoreMutex(Task task) throws Exception {
        InterProcessSemaphoreMutex mutex = new InterProcessSemaphoreMutex(Worker.client, task.path());
        return rounds(() -> {
            if (!mutex.acquire(Task.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("not acquired in time");
            }
            try {
                return inside(task, Map.of());
            } finally {
                mutex.release();
            }
        });
    }

    private static Object latch(Task task) throws Exception {
        return rounds(() -> {
            try (LeaderLatch latch = new LeaderLatch(Worker.client, task.path(), task.text("name"))) {
                latch.start();
                if (!latch.await(Task.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    throw new IllegalStateException("not the leader in time");
                }
                return inside(task, by(latch.getOurPath(), "write"));
            }
        });
    }

    private static Object selector(Task task) throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        int[] count = {0};
        Throwable[] failure = {null};
        LeaderSelector selector = new LeaderSelector(Worker.client, task.path(),
                new LeaderSelectorListenerAdapter() {
                    @Override
                    public void takeLeadership(CuratorFramework client) {
                        if (done.getCount() == 0) {
                            return;
                        }
                        try {
                            count[0]++;
                            if (!inside(task, Map.of())) {
                                done.countDown();
                            }
                        } catch (Exception error) {
                            failure[0] = error;
                            done.countDown();
                        }
                    }
                });
        selector.setId(task.text("name"));
        selector.autoRequeue();
        selector.start();
        done.await();
        selector.close();
        if (failure[0] != null) {
            throw new IllegalStateException(failure[0]);
        }
        return count[0];
    }

    /** The leader first. Neither this latch nor the selector below takes part itself. */
    private static Object latchParticipants(Task task) throws Exception {
        LeaderLatch latch = new LeaderLatch(Worker.client, task.path());
        return ids(new ArrayList<>(latch.getParticipants()), latch.getLeader());
    }

    private static Object selectorParticipants(Task task) throws Exception {
        LeaderSelector selector = new LeaderSelector(Worker.client, task.path(),
                new LeaderSelectorListenerAdapter() {
                    @Override
                    public void takeLeadership(CuratorFramework client) {}
                });
        return ids(new ArrayList<>(selector.getParticipants()), selector.getLeader());
    }

    private static List<String> ids(List<Participant> participants, Participant leader) {
        List<String> ids = new ArrayList<>();
        for (Participant participant : participants) {
            ids.add(participant.getId());
        }
        if (!ids.isEmpty() && !ids.get(0).equals(leader.getId())) {
            throw new IllegalStateException("the leader is " + leader + ", the first " + ids);
        }
        return ids;
    }

    /** Holds until somebody asks for it back. */
    private static Object revocable(Task task) throws Exception {
        InterProcessMutex mutex = new InterProcessMutex(Worker.client, task.path());
        CountDownLatch asked = new CountDownLatch(1);
        mutex.makeRevocable(revoked -> asked.countDown());
        acquire(mutex);
        task.say("holding", Map.of("node", pathOf(mutex)));
        boolean wasAsked = asked.await(Task.PATIENCE_SECONDS, TimeUnit.SECONDS);
        mutex.release();
        return wasAsked;
    }

    private static Object revoke(Task task) throws Exception {
        Revoker.attemptRevoke(Worker.client, task.path());
        return true;
    }

    private Locks() {}
}
