package vigie.peers.flink;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import vigie.peers.Event;

/** A hundred bytes an event, instead of what reflection on a POJO would write. */
public final class KeyedEventSerializer extends TypeSerializerSingleton<KeyedEvent> {
    private static final long serialVersionUID = 1;
    static final KeyedEventSerializer INSTANCE = new KeyedEventSerializer();

    /** What Flink keeps of the serializer beside a state. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<KeyedEvent> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }

    @Override
    public void serialize(KeyedEvent keyed, DataOutputView out) throws IOException {
        byte[] buyer = keyed.buyer.getBytes(StandardCharsets.UTF_8);
        Event event = keyed.event;
        out.writeByte(event.kind);
        out.writeByte(buyer.length);
        out.write(buyer);
        out.writeInt(event.day);
        out.writeInt(event.dueDay);
        out.writeLong(event.amount);
        out.writeShort(event.idEnd);
        out.writeShort(event.sourceEnd);
        out.writeShort(event.timeEnd);
        out.writeShort(event.invoices);
        for (int i = 0; i < event.invoices; i++) {
            out.writeInt(event.invoiceEnd[i]);
            out.writeLong(event.allocated[i]);
        }
        out.writeInt(event.textLength);
        out.write(event.text, 0, event.textLength);
    }

    @Override
    public KeyedEvent deserialize(DataInputView in) throws IOException {
        return deserialize(new KeyedEvent(), in);
    }

    @Override
    public KeyedEvent deserialize(KeyedEvent keyed, DataInputView in) throws IOException {
        Event event = keyed.event;
        event.kind = in.readByte();
        byte[] buyer = new byte[in.readUnsignedByte()];
        in.readFully(buyer);
        keyed.buyer = new String(buyer, StandardCharsets.UTF_8);
        event.day = in.readInt();
        event.dueDay = in.readInt();
        event.amount = in.readLong();
        event.idEnd = in.readUnsignedShort();
        event.sourceEnd = in.readUnsignedShort();
        event.timeEnd = in.readUnsignedShort();
        event.invoices = in.readUnsignedShort();
        if (event.invoices > event.invoiceEnd.length) {
            event.invoiceEnd = new int[event.invoices];
            event.allocated = new long[event.invoices];
        }
        for (int i = 0; i < event.invoices; i++) {
            event.invoiceEnd[i] = in.readInt();
            event.allocated[i] = in.readLong();
        }
        event.textLength = in.readInt();
        if (event.textLength > event.text.length) {
            event.text = new byte[event.textLength];
        }
        in.readFully(event.text, 0, event.textLength);
        return keyed;
    }

    @Override
    public KeyedEvent createInstance() {
        return new KeyedEvent();
    }

    @Override
    public KeyedEvent copy(KeyedEvent from) {
        throw new UnsupportedOperationException("object reuse is on, and an event is in no state: nothing copies it");
    }

    @Override
    public KeyedEvent copy(KeyedEvent from, KeyedEvent reuse) {
        return copy(from);
    }

    @Override
    public void copy(DataInputView from, DataOutputView to) throws IOException {
        serialize(deserialize(from), to);
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public TypeSerializerSnapshot<KeyedEvent> snapshotConfiguration() {
        return new Snapshot();
    }
}
