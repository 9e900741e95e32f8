package vigie.peers.flink;

import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import vigie.peers.Alert;
import vigie.peers.Buyer;

/** Takes each event into its buyer's state, and tells what that led to. */
final class ExposureFunction extends KeyedProcessFunction<String, KeyedEvent, Told> {
    private static final long serialVersionUID = 1;
    private transient ValueState<byte[]> state;
    private transient Buyer buyer;

    @Override
    public void open(OpenContext context) {
        state =
                getRuntimeContext()
                        .getState(
                                new ValueStateDescriptor<>(
                                        "buyer", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        buyer = new Buyer();
    }

    @Override
    public void processElement(KeyedEvent keyed, Context context, Collector<Told> out) throws Exception {
        buyer.load(state.value());
        Buyer.Change change = buyer.apply(keyed.event);
        state.update(buyer.stored());
        if (change != Buyer.Change.NONE) {
            byte[] key = keyed.buyer.getBytes(StandardCharsets.UTF_8);
            out.collect(new Told(key, Alert.toJson(change, key, keyed.event, buyer)));
        }
    }
}
