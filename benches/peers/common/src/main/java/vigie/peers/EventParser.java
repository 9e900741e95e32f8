package vigie.peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/**
 * JSON to {@link Event}, by Jackson's streaming parser: fields in any order, unknown ones skipped, amounts exact, nothing bound to
 * objects on the way. One a thread.
 */
public final class EventParser {
    private static final BigDecimal UNITS = BigDecimal.valueOf(10_000);
    private static final JsonFactory FACTORY =
            new JsonFactoryBuilder()
                    .recyclerPool(JsonRecyclerPools.threadLocalPool())
                    .disable(StreamReadFeature.AUTO_CLOSE_SOURCE)
                    .build();

    /** What may stand before the event's own texts, since the order of fields is anybody's. */
    private final Event names = new Event();
    private final byte[] id = new byte[1024];
    private int idLength;
    private final byte[] source = new byte[1024];
    private int sourceLength;
    private final byte[] time = new byte[256];
    private int timeLength;
    private boolean isEuro;

    /** Fills an event; one that is not of this job comes back as {@link Event#OTHER}. */
    public void parse(byte[] json, Event event) throws IOException {
        event.clear();
        names.clear();
        idLength = 0;
        sourceLength = 0;
        timeLength = 0;
        isEuro = true;
        try (JsonParser parser = FACTORY.createParser(json)) {
            expect(parser.nextToken(), JsonToken.START_OBJECT);
            String name;
            while ((name = parser.nextFieldName()) != null) {
                JsonToken value = parser.nextToken();
                switch (name) {
                    case "id" -> idLength = copy(parser, id);
                    case "source" -> sourceLength = copy(parser, source);
                    case "type" -> event.kind = kind(parser);
                    case "time" -> {
                        timeLength = copy(parser, time);
                        event.day = dayOfTime();
                    }
                    case "data" -> data(parser, value, event);
                    default -> parser.skipChildren();
                }
            }
        }
        if (!isEuro) {
            event.kind = Event.OTHER;
        }
        event.addText(id, 0, idLength);
        event.idEnd = event.textLength;
        event.addText(source, 0, sourceLength);
        event.sourceEnd = event.textLength;
        event.addText(time, 0, timeLength);
        event.timeEnd = event.textLength;
        for (int i = 0; i < names.invoices; i++) {
            int start = names.invoiceStart(i);
            event.addText(names.text, start, names.invoiceEnd[i] - start);
            event.addInvoice(names.allocated[i]);
        }
    }

    private void data(JsonParser parser, JsonToken value, Event event) throws IOException {
        expect(value, JsonToken.START_OBJECT);
        String name;
        while ((name = parser.nextFieldName()) != null) {
            value = parser.nextToken();
            switch (name) {
                case "amount" -> event.amount = amount(parser, value);
                case "currency" -> isEuro = isEuro(parser);
                case "due_on" -> event.dueDay = date(parser);
                case "invoice_id" -> {
                    names.addText(parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
                    names.addInvoice(0);
                }
                case "allocations" -> allocations(parser, value);
                default -> parser.skipChildren();
            }
        }
    }

    private void allocations(JsonParser parser, JsonToken value) throws IOException {
        if (value == JsonToken.VALUE_NULL) {
            return;
        }
        expect(value, JsonToken.START_ARRAY);
        while ((value = parser.nextToken()) != JsonToken.END_ARRAY) {
            expect(value, JsonToken.START_OBJECT);
            long amount = 0;
            String name;
            while ((name = parser.nextFieldName()) != null) {
                value = parser.nextToken();
                switch (name) {
                    case "amount" -> amount = amount(parser, value);
                    case "invoice_id" ->
                            names.addText(parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
                    default -> parser.skipChildren();
                }
            }
            names.addInvoice(amount);
        }
    }

    private static byte kind(JsonParser parser) throws IOException {
        return switch (parser.getText()) {
            case "limit.set" -> Event.LIMIT;
            case "invoice.issued" -> Event.INVOICE;
            case "payment.received" -> Event.PAYMENT;
            default -> Event.OTHER;
        };
    }

    private static boolean isEuro(JsonParser parser) throws IOException {
        char[] text = parser.getTextCharacters();
        int at = parser.getTextOffset();
        return parser.getTextLength() == 3 && text[at] == 'E' && text[at + 1] == 'U' && text[at + 2] == 'R';
    }

    /** An exact decimal, as a string or a number: plain digits by hand, all else by BigDecimal. */
    private static long amount(JsonParser parser, JsonToken token) throws IOException {
        char[] text = parser.getTextCharacters();
        int at = parser.getTextOffset();
        int end = at + parser.getTextLength();
        long units = 0;
        int decimals = -1;
        if (end - at > 16) {
            return exact(parser);
        }
        for (int i = at; i < end; i++) {
            char c = text[i];
            if (c >= '0' && c <= '9' && decimals < 4) {
                units = units * 10 + (c - '0');
                decimals += decimals >= 0 ? 1 : 0;
            } else if (c == '.' && decimals < 0) {
                decimals = 0;
            } else {
                return exact(parser);
            }
        }
        for (int i = Math.max(decimals, 0); i < 4; i++) {
            units *= 10;
        }
        return units;
    }

    private static long exact(JsonParser parser) throws IOException {
        return new BigDecimal(parser.getText()).multiply(UNITS).longValueExact();
    }

    private static int date(JsonParser parser) throws IOException {
        char[] text = parser.getTextCharacters();
        int at = parser.getTextOffset();
        if (parser.getTextLength() != 10) {
            return (int) LocalDate.parse(parser.getText()).toEpochDay();
        }
        int year = digits(text, at, 4);
        return day(year, digits(text, at + 5, 2), digits(text, at + 8, 2));
    }

    private static int digits(char[] text, int at, int count) {
        int number = 0;
        for (int i = at; i < at + count; i++) {
            number = number * 10 + (text[i] - '0');
        }
        return number;
    }

    /** The day of a time in UTC, which most are; of any other by java.time. */
    private int dayOfTime() {
        if (timeLength < 20 || time[timeLength - 1] != 'Z') {
            String text = new String(time, 0, timeLength, java.nio.charset.StandardCharsets.US_ASCII);
            return (int) OffsetDateTime.parse(text).withOffsetSameInstant(ZoneOffset.UTC).toLocalDate().toEpochDay();
        }
        int year = (time[0] - '0') * 1000 + (time[1] - '0') * 100 + (time[2] - '0') * 10 + time[3] - '0';
        return day(year, (time[5] - '0') * 10 + time[6] - '0', (time[8] - '0') * 10 + time[9] - '0');
    }

    /** Days since 1970 of a day of the Gregorian calendar. */
    private static int day(int year, int month, int day) {
        int y = month <= 2 ? year - 1 : year;
        int era = y / 400;
        int ofEra = y - era * 400;
        int ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468;
    }

    private static int copy(JsonParser parser, byte[] to) throws IOException {
        char[] text = parser.getTextCharacters();
        int at = parser.getTextOffset();
        int length = parser.getTextLength();
        if (length * 3 > to.length) {
            throw new IOException("a text of " + length + " characters is longer than any of the contract's");
        }
        for (int i = 0; i < length; i++) {
            char c = text[at + i];
            if (c >= 0x80) {
                byte[] utf8 = new String(text, at, length).getBytes(java.nio.charset.StandardCharsets.UTF_8);
                System.arraycopy(utf8, 0, to, 0, utf8.length);
                return utf8.length;
            }
            to[i] = (byte) c;
        }
        return length;
    }

    private static void expect(JsonToken token, JsonToken expected) throws IOException {
        if (token != expected) {
            throw new IOException("expected " + expected + ", found " + token);
        }
    }
}
