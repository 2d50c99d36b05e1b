import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceInstanceBuilder;
import org.apache.curator.x.discovery.ServiceType;
import org.apache.curator.x.discovery.UriSpec;

/** Curator's service discovery. */
final class Discovery {
    static void addTo(Map<String, Worker.Job> jobs) {
        jobs.put("register", Discovery::register);
        jobs.put("services", Discovery::services);
        jobs.put("instances", Discovery::instances);
    }

    private static ServiceDiscovery<Object> discovery(Task task) throws Exception {
        ServiceDiscovery<Object> discovery = ServiceDiscoveryBuilder.builder(Object.class)
                .client(Worker.client).basePath(task.path()).build();
        discovery.start();
        return discovery;
    }

    /** Registers an instance until the driver ends it. */
    private static Object register(Task task) throws Exception {
        JsonNode wanted = task.arguments.get("instance");
        ServiceInstanceBuilder<Object> builder = ServiceInstance.builder()
                .name(wanted.get("name").asText())
                .id(wanted.get("id").asText())
                .address(wanted.get("address").asText())
                .serviceType(ServiceType.valueOf(wanted.get("type").asText()));
        if (wanted.has("port")) {
            builder.port(wanted.get("port").asInt());
        }
        if (wanted.has("ssl_port")) {
            builder.sslPort(wanted.get("ssl_port").asInt());
        }
        if (wanted.has("uri")) {
            builder.uriSpec(new UriSpec(wanted.get("uri").asText()));
        }
        if (wanted.has("payload")) {
            builder.payload(Worker.JSON.treeToValue(wanted.get("payload"), Object.class));
        }
        try (ServiceDiscovery<Object> discovery = discovery(task)) {
            ServiceInstance<Object> instance = builder.build();
            discovery.registerService(instance);
            task.say("registered");
            discovery.unregisterService(instance);
        }
        return true;
    }

    private static Object services(Task task) throws Exception {
        try (ServiceDiscovery<Object> discovery = discovery(task)) {
            List<String> names = new ArrayList<>(discovery.queryForNames());
            names.sort(null);
            return names;
        }
    }

    private static Object instances(Task task) throws Exception {
        try (ServiceDiscovery<Object> discovery = discovery(task)) {
            Map<String, Object> found = new TreeMap<>();
            for (ServiceInstance<Object> instance : discovery.queryForInstances(task.text("name"))) {
                found.put(instance.getId(), fields(instance));
            }
            return found;
        }
    }

    private static Map<String, Object> fields(ServiceInstance<Object> instance) {
        Map<String, Object> fields = new TreeMap<>();
        fields.put("name", instance.getName());
        fields.put("id", instance.getId());
        fields.put("address", instance.getAddress());
        fields.put("port", instance.getPort());
        fields.put("ssl_port", instance.getSslPort());
        fields.put("payload", instance.getPayload());
        fields.put("type", instance.getServiceType().name());
        fields.put("registered_ms", instance.getRegistrationTimeUTC());
        fields.put("uri", instance.getUriSpec() == null ? null : instance.buildUriSpec());
        fields.put("enabled", instance.isEnabled());
        return fields;
    }

    private Discovery() {}
}
