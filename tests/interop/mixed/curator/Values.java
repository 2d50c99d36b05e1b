import java.util.Map;
import org.apache.curator.RetryPolicy;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryNTimes;

/** Numbers that many add to. */
final class Values {
    private static final RetryPolicy RETRIES = new RetryNTimes(100, 1);

    static void addTo(Map<String, Worker.Job> jobs) {
        jobs.put("add", Values::add);
        jobs.put("value", Values::value);
    }

    /** Adds `by` to a counter, `times` times. */
    private static Object add(Task task) throws Exception {
        int by = task.number("by", 1);
        int times = task.number("times", 1);
        if (task.text("counter").equals("shared")) {
            return addShared(task, by, times);
        }
        for (int done = 0; done < times;) {
            boolean succeeded = task.text("counter").equals("long")
                    ? atomicLong(task).add((long) by).succeeded()
                    : atomicInteger(task).add(by).succeeded();
            done += succeeded ? 1 : 0;
        }
        return true;
    }

    private static Object addShared(Task task, int by, int times) throws Exception {
        try (SharedCount count = new SharedCount(Worker.client, task.path(), 0)) {
            count.start();
            for (int done = 0; done < times;) {
                var before = count.getVersionedValue();
                done += count.trySetCount(before, before.getValue() + by) ? 1 : 0;
            }
        }
        return true;
    }

    private static Object value(Task task) throws Exception {
        switch (task.text("counter")) {
            case "long": {
                AtomicValue<Long> value = atomicLong(task).get();
                return value.postValue();
            }
            case "int": {
                AtomicValue<Integer> value = atomicInteger(task).get();
                return value.postValue();
            }
            default:
                try (SharedCount count = new SharedCount(Worker.client, task.path(), 0)) {
                    count.start();
                    return count.getCount();
                }
        }
    }

    private static DistributedAtomicLong atomicLong(Task task) {
        return new DistributedAtomicLong(Worker.client, task.path(), RETRIES);
    }

    private static DistributedAtomicInteger atomicInteger(Task task) {
        return new DistributedAtomicInteger(Worker.client, task.path(), RETRIES);
    }

    private Values() {}
}
