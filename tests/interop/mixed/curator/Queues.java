import com.fasterxml.jackson.databind.JsonNode;
import java.io.Closeable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.MultiItem;
import org.apache.curator.framework.recipes.queue.QueueBase;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.QueueSharder;
import org.apache.curator.framework.recipes.queue.QueueSharderPolicies;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.state.ConnectionState;

/** Curator's queues: `put` fills them, `consume` works on them until the driver ends it. */
final class Queues {
    private static final QueueSerializer<String> TEXT = new QueueSerializer<>() {
        @Override
        public byte[] serialize(String item) {
            return item.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String deserialize(byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    };

    static void addTo(Map<String, Worker.Job> jobs) {
        jobs.put("put", Queues::put);
        jobs.put("put_together", Queues::putTogether);
        jobs.put("consume", Queues::consume);
    }

    private static QueueBuilder<String> builder(Task task, QueueConsumer<String> consumer) {
        QueueBuilder<String> builder =
                QueueBuilder.builder(Worker.client, consumer, TEXT, task.path());
        return task.arguments.has("claims") ? builder.lockPath(task.text("claims")) : builder;
    }

    private static Object put(Task task) throws Exception {
        String kind = task.text("queue");
        JsonNode items = task.arguments.get("items");
        if (kind.equals("simple")) {
            SimpleDistributedQueue queue = new SimpleDistributedQueue(Worker.client, task.path());
            for (JsonNode item : items) {
                queue.offer(TEXT.serialize(item.get("data").asText()));
            }
            return true;
        }
        if (kind.equals("sharded")) {
            return putIntoShards(task);
        }
        try (QueueBase<String> queue = open(kind, builder(task, null))) {
            for (JsonNode item : items) {
                putOne(queue, item);
            }
            return queue.flushPuts(Task.PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
    }

    private static QueueSharder<String, DistributedQueue<String>> sharder(
            Task task, QueueConsumer<String> consumer) throws Exception {
        QueueSharderPolicies policies = QueueSharderPolicies.builder()
                .newQueueThreshold(task.number("threshold", 10))
                .maxQueues(task.number("max_shards", 3))
                .thresholdCheckMs(50)
                .build();
        QueueSharder<String, DistributedQueue<String>> sharder = new QueueSharder<>(
                Worker.client,
                (client, path) -> QueueBuilder.builder(client, consumer, TEXT, path).buildQueue(),
                task.path(), task.text("leader"), policies);
        sharder.start();
        return sharder;
    }

    private static Object putIntoShards(Task task) throws Exception {
        boolean flushed = true;
        try (QueueSharder<String, DistributedQueue<String>> sharder = sharder(task, null)) {
            for (JsonNode item : task.arguments.get("items")) {
                DistributedQueue<String> queue = sharder.getQueue();
                queue.put(item.get("data").asText());
                flushed &= queue.flushPuts(Task.PATIENCE_SECONDS, TimeUnit.SECONDS);
            }
        }
        return flushed;
    }

    private static QueueBase<String> open(String kind, QueueBuilder<String> builder) throws Exception {
        QueueBase<String> queue;
        switch (kind) {
            case "id":
                queue = builder.buildIdQueue();
                break;
            case "priority":
                queue = builder.buildPriorityQueue(0);
                break;
            case "delay":
                queue = builder.buildDelayQueue();
                break;
            default:
                queue = builder.buildQueue();
        }
        queue.start();
        return queue;
    }

    private static void putOne(QueueBase<String> queue, JsonNode item) throws Exception {
        String data = item.get("data").asText();
        if (queue instanceof DistributedIdQueue) {
            ((DistributedIdQueue<String>) queue).put(data, item.get("id").asText());
        } else if (queue instanceof DistributedPriorityQueue) {
            ((DistributedPriorityQueue<String>) queue).put(data, item.get("priority").asInt());
        } else if (queue instanceof DistributedDelayQueue) {
            ((DistributedDelayQueue<String>) queue).put(data, item.get("due_ms").asLong());
        } else {
            ((DistributedQueue<String>) queue).put(data);
        }
    }

    /** Several items in one node. */
    private static Object putTogether(Task task) throws Exception {
        List<String> items = new ArrayList<>();
        task.arguments.get("items").forEach(item -> items.add(item.get("data").asText()));
        Iterator<String> rest = items.iterator();
        MultiItem<String> multi = () -> rest.hasNext() ? rest.next() : null;
        try (DistributedQueue<String> queue = builder(task, null).buildQueue()) {
            queue.start();
            queue.putMulti(multi);
            return queue.flushPuts(Task.PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
    }

    private static Object consume(Task task) throws Exception {
        if (task.text("queue").equals("simple")) {
            return consumeSimple(task);
        }
        QueueConsumer<String> consumer = new QueueConsumer<>() {
            @Override
            public void consumeMessage(String item) throws Exception {
                task.say("item", Map.of("data", item));
            }

            @Override
            public void stateChanged(CuratorFramework client, ConnectionState state) {}
        };
        boolean isSharded = task.text("queue").equals("sharded");
        try (Closeable queue = isSharded
                ? sharder(task, consumer)
                : open(task.text("queue"), builder(task, consumer))) {
            task.say("consuming");
        }
        return true;
    }

    private static Object consumeSimple(Task task) throws Exception {
        SimpleDistributedQueue queue = new SimpleDistributedQueue(Worker.client, task.path());
        Thread taking = new Thread(() -> {
            try {
                while (!Thread.interrupted()) {
                    byte[] item = queue.take();
                    task.say("item", Map.of("data", TEXT.deserialize(item)));
                }
            } catch (Exception ended) {
                // The end of the task interrupts it.
            }
        });
        taking.start();
        task.say("consuming");
        taking.interrupt();
        taking.join();
        return true;
    }

    private Queues() {}
}
