package vigie.peers.streams;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import vigie.peers.Alert;
import vigie.peers.Buyer;
import vigie.peers.Event;
import vigie.peers.EventParser;

/** Takes each event into its buyer's state, and tells what that led to. One a task, so what it works with is used again. */
final class ExposureProcessor implements Processor<byte[], byte[], byte[], byte[]> {
    private final EventParser parser = new EventParser();
    private final Event event = new Event();
    private final Buyer buyer = new Buyer();
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], byte[]> buyers;

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        this.buyers = context.getStateStore(StreamsPeer.STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        try {
            parser.parse(record.value(), event);
            if (event.kind == Event.OTHER) {
                return;
            }
            buyer.load(buyers.get(record.key()));
            Buyer.Change change = buyer.apply(event);
            buyers.put(record.key(), buyer.stored());
            if (change != Buyer.Change.NONE) {
                context.forward(record.withValue(Alert.toJson(change, record.key(), event, buyer)));
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
