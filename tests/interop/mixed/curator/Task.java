import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Something that this worker was told to do. Each task has a thread of its own. */
final class Task {
    /** The driver gives up before; a driver that is gone ends the process. */
    static final long PATIENCE_SECONDS = 600;

    final JsonNode arguments;
    private final int id;
    private final AtomicInteger notices = new AtomicInteger();
    private final Map<Integer, BlockingQueue<JsonNode>> answers = new ConcurrentHashMap<>();

    Task(int id, JsonNode arguments) {
        this.id = id;
        this.arguments = arguments;
    }

    String text(String name) {
        return arguments.get(name).asText();
    }

    int number(String name, int otherwise) {
        return arguments.has(name) ? arguments.get(name).asInt() : otherwise;
    }

    String path() {
        return text("path");
    }

    /** Says something and stands still until the driver lets it go on; with what it was told. */
    JsonNode say(String what, Map<String, ?> fields) throws InterruptedException {
        int number = notices.incrementAndGet();
        BlockingQueue<JsonNode> answer = new LinkedBlockingQueue<>(1);
        answers.put(number, answer);
        ObjectNode line = Worker.JSON.createObjectNode().put("id", id).put("n", number).put("say", what);
        fields.forEach((name, value) -> line.set(name, Worker.JSON.valueToTree(value)));
        Worker.print(line);
        return answer.take();
    }

    JsonNode say(String what) throws InterruptedException {
        return say(what, Map.of());
    }

    void answered(int number, JsonNode go) {
        BlockingQueue<JsonNode> answer = answers.remove(number);
        if (answer != null) {
            answer.add(go);
        }
    }
}
