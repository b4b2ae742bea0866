import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Properties;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteBufferSerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends one audit event straight to Kafka, in Avro's single-object encoding.
 *
 * <p>Arguments: the brokers, the tenant's UUID, the path of schemas/audit_event.v1.avsc.
 */
public final class AuditEvents {
    private static final String TOPIC = "audit.events";

    private AuditEvents() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 3) {
            System.err.println("usage: AuditEvents BROKERS TENANT SCHEMA");
            System.exit(2);
        }
        Schema schema = new Schema.Parser().parse(Path.of(arguments[2]).toFile());
        GenericRecord event = event(schema, arguments[1]);
        // C3 01, the schema's fingerprint, the datum.
        ByteBuffer value = new BinaryMessageEncoder<GenericRecord>(GenericData.get(), schema).encode(event);
        // The key keeps a session in order: tenant and session, without a session the event's id.
        String key = event.get("tenant") + ":" + event.get("session_id");

        Properties settings = new Properties();
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        try (var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new ByteBufferSerializer())) {
            producer.send(new ProducerRecord<>(TOPIC, key, value)).get();
        }
        System.out.println(event.get("event_id"));
    }

    /** What the application asked its model and what it was answered. Fields left out take the schema's defaults. */
    private static GenericRecord event(Schema schema, String tenant) {
        String asked =
                "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Is a limit of 5000 right?\"}]}";
        String answered =
                "{\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":"
                        + "{\"role\":\"assistant\",\"content\":\"Yes.\"}}],"
                        + "\"usage\":{\"prompt_tokens\":14,\"completion_tokens\":2,\"total_tokens\":16}}";
        GenericRecord request =
                new GenericRecordBuilder(recordIn(schema, "request"))
                        .set("method", "POST")
                        .set("url", "https://api.openai.com/v1/chat/completions")
                        // As sent, without credentials.
                        .set("body", ByteBuffer.wrap(asked.getBytes(StandardCharsets.UTF_8)))
                        .build();
        GenericRecord response =
                new GenericRecordBuilder(recordIn(schema, "response"))
                        .set("status", 200)
                        .set("content_type", "application/json")
                        .set("body", ByteBuffer.wrap(answered.getBytes(StandardCharsets.UTF_8)))
                        .build();
        GenericRecord subject = new GenericRecordBuilder(recordIn(schema, "subject")).set("id", "customer-9").build();
        return new GenericRecordBuilder(schema)
                // The idempotency key: make it once, keep it for every attempt to send.
                .set("event_id", UUID.randomUUID().toString())
                .set("tenant", tenant)
                .set("application", "loans")
                // Microseconds since the Unix epoch.
                .set("occurred_at", ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now()))
                .set("session_id", "session-1")
                .set("decision_type", "credit")
                .set("subject", subject)
                .set("provider", "openai")
                .set("operation", "chat")
                .set("request", request)
                .set("response", response)
                .build();
    }

    /** The record of a field that is null or a record. */
    private static Schema recordIn(Schema schema, String field) {
        return schema.getField(field).schema().getTypes().get(1);
    }
}
