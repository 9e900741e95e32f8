package vigie.peers.flink;

import java.lang.reflect.Type;
import java.util.Map;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInfoFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/** Tells Flink that an event has a serializer of its own. */
public final class KeyedEventInfo extends TypeInformation<KeyedEvent> {
    private static final long serialVersionUID = 1;

    /** Named by the type itself. */
    public static final class Factory extends TypeInfoFactory<KeyedEvent> {
        @Override
        public TypeInformation<KeyedEvent> createTypeInfo(Type type, Map<String, TypeInformation<?>> parameters) {
            return new KeyedEventInfo();
        }
    }

    @Override
    public TypeSerializer<KeyedEvent> createSerializer(SerializerConfig config) {
        return KeyedEventSerializer.INSTANCE;
    }

    @Override
    public boolean isBasicType() {
        return false;
    }

    @Override
    public boolean isTupleType() {
        return false;
    }

    @Override
    public int getArity() {
        return 1;
    }

    @Override
    public int getTotalFields() {
        return 1;
    }

    @Override
    public Class<KeyedEvent> getTypeClass() {
        return KeyedEvent.class;
    }

    @Override
    public boolean isKeyType() {
        return false;
    }

    @Override
    public String toString() {
        return "KeyedEvent";
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KeyedEventInfo;
    }

    @Override
    public int hashCode() {
        return KeyedEventInfo.class.hashCode();
    }

    @Override
    public boolean canEqual(Object other) {
        return other instanceof KeyedEventInfo;
    }
}
