package vigie.peers.flink;

import org.apache.flink.api.common.serialization.SerializationSchema;

/** An alert on its way out: a POJO, as Flink knows them. */
public final class Told {
    public byte[] key;
    public byte[] value;

    public Told() {}

    public Told(byte[] key, byte[] value) {
        this.key = key;
        this.value = value;
    }

    /** The buyer, as the record's key. */
    static final class Key implements SerializationSchema<Told> {
        private static final long serialVersionUID = 1;

        @Override
        public byte[] serialize(Told told) {
            return told.key;
        }
    }

    /** The alert, as the record's value. */
    static final class Value implements SerializationSchema<Told> {
        private static final long serialVersionUID = 1;

        @Override
        public byte[] serialize(Told told) {
            return told.value;
        }
    }
}
