package vigie.peers.flink;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import vigie.peers.Event;
import vigie.peers.EventParser;

/** Parses where the records come in, so that what goes on to the state is small; what is not of this job goes no further. */
final class EventDeserializer implements KafkaRecordDeserializationSchema<KeyedEvent> {
    private static final long serialVersionUID = 1;
    private transient EventParser parser;
    /** Used again: it is written to a buffer before the next record is parsed. */
    private transient KeyedEvent keyed;

    @Override
    public void open(DeserializationSchema.InitializationContext context) {
        parser = new EventParser();
        keyed = new KeyedEvent();
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<KeyedEvent> out) throws IOException {
        parser.parse(record.value(), keyed.event);
        if (keyed.event.kind != Event.OTHER) {
            keyed.buyer = new String(record.key(), StandardCharsets.UTF_8);
            out.collect(keyed);
        }
    }

    @Override
    public TypeInformation<KeyedEvent> getProducedType() {
        return new KeyedEventInfo();
    }
}
