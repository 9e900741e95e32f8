package vigie.peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;

/** An alert as a CloudEvent, in the fields that vigie's have. About one event in a hundred comes here. */
public final class Alert {
    private static final JsonFactory FACTORY = new JsonFactory();

    private Alert() {}

    public static byte[] toJson(Buyer.Change change, byte[] buyerId, Event event, Buyer buyer) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream(512);
        String cause = new String(event.text, 0, event.idEnd, StandardCharsets.UTF_8);
        String source = new String(event.text, event.idEnd, event.sourceEnd - event.idEnd, StandardCharsets.UTF_8);
        String time = new String(event.text, event.sourceEnd, event.timeEnd - event.sourceEnd, StandardCharsets.UTF_8);
        String type = change == Buyer.Change.RAISED ? "alert.raised" : "alert.cleared";
        try (JsonGenerator json = FACTORY.createGenerator(out)) {
            json.writeStartObject();
            json.writeStringField("specversion", "1.0");
            // Of one event at most one alert comes, so its id names the alert too.
            json.writeStringField("id", cause + "/" + type);
            json.writeStringField("source", "peer");
            json.writeStringField("type", type);
            json.writeStringField("subject", new String(buyerId, StandardCharsets.UTF_8));
            json.writeStringField("time", time);
            json.writeStringField("datacontenttype", "application/json");
            json.writeObjectFieldStart("data");
            json.writeStringField("kind", "limit_exceeded");
            json.writeStringField("severity", "info");
            json.writeObjectFieldStart("exposure");
            json.writeStringField("exposure", money(buyer.exposure()));
            json.writeStringField("overdue", money(buyer.overdue(event.day)));
            json.writeStringField("limit", money(buyer.limit()));
            json.writeEndObject();
            json.writeObjectFieldStart("caused_by");
            json.writeStringField("source", source);
            json.writeStringField("id", cause);
            json.writeEndObject();
            json.writeEndObject();
            json.writeEndObject();
        }
        return out.toByteArray();
    }

    private static String money(long units) {
        return BigDecimal.valueOf(units, 4).setScale(2, java.math.RoundingMode.HALF_EVEN).toPlainString();
    }
}
