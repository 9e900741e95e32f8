package vigie.peers.flink;

import org.apache.flink.api.common.typeinfo.TypeInfo;
import vigie.peers.Event;

/** An event and whose it is: what goes from the source to the state. */
@TypeInfo(KeyedEventInfo.Factory.class)
public final class KeyedEvent {
    public String buyer = "";
    public final Event event = new Event();
}
