import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.nodes.GroupMember;

/** Waiting for each other, and knowing of each other. */
final class Gatherings {
    private static final Map<String, GroupMember> MEMBERS = new ConcurrentHashMap<>();

    static void addTo(Map<String, Worker.Job> jobs) {
        jobs.put("barrier_set", Gatherings::set);
        jobs.put("barrier_remove", Gatherings::remove);
        jobs.put("barrier_wait", Gatherings::await);
        jobs.put("double_barrier", Gatherings::doubleBarrier);
        jobs.put("join", Gatherings::join);
        jobs.put("members", Gatherings::members);
    }

    private static DistributedBarrier barrier(Task task) {
        return new DistributedBarrier(Worker.client, task.path());
    }

    private static Object set(Task task) throws Exception {
        barrier(task).setBarrier();
        return true;
    }

    private static Object remove(Task task) throws Exception {
        barrier(task).removeBarrier();
        return true;
    }

    private static Object await(Task task) throws Exception {
        task.say("waiting");
        if (!barrier(task).waitOnBarrier(Task.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the barrier stayed");
        }
        return true;
    }

    private static Object doubleBarrier(Task task) throws Exception {
        DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(
                Worker.client, task.path(), task.number("members", 1));
        task.say("coming");
        if (!barrier.enter(Task.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the barrier did not open");
        }
        task.say("inside");
        task.say("leaving");
        if (!barrier.leave(Task.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the barrier did not close");
        }
        task.say("outside");
        return true;
    }

    /** A member until the driver lets it go on. */
    private static Object join(Task task) throws Exception {
        String id = task.text("name");
        byte[] payload = task.text("payload").getBytes(StandardCharsets.UTF_8);
        try (GroupMember member = new GroupMember(Worker.client, task.path(), id, payload)) {
            member.start();
            MEMBERS.put(id, member);
            task.say("joined");
        } finally {
            MEMBERS.remove(id);
        }
        return true;
    }

    /** What the member `name` of this process knows of its group. */
    private static Object members(Task task) {
        Map<String, String> members = new TreeMap<>();
        MEMBERS.get(task.text("name")).getCurrentMembers().forEach((id, payload) ->
                members.put(id, new String(payload, StandardCharsets.UTF_8)));
        return members;
    }

    private Gatherings() {}
}
