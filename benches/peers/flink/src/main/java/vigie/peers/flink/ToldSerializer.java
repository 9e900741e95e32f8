package vigie.peers.flink;

import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** An alert as a record of Kafka's, keyed by its buyer. */
final class ToldSerializer implements KafkaRecordSerializationSchema<Told> {
    private static final long serialVersionUID = 1;
    private final String topic;

    ToldSerializer(String topic) {
        this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(Told told, KafkaSinkContext context, Long timestamp) {
        return new ProducerRecord<>(topic, told.key, told.value);
    }
}
