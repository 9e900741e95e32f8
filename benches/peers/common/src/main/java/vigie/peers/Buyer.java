package vigie.peers;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * What is known of one buyer: a limit, the open invoices, what was paid and not absorbed. It is a view on the bytes that are
 * stored, so taking it from a store and putting it back are two copies of some 250 bytes, and no object is made on the way.
 *
 * <pre>
 * flags 1 | limit 8 | unapplied 8 | outstanding 8 | invoices: (length of the id 1, id, open 8, due day 4)...
 * </pre>
 */
public final class Buyer {
    /** What an event led to. */
    public enum Change {
        NONE,
        RAISED,
        CLEARED
    }

    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int HAS_LIMIT = 1;
    private static final int ALERTED = 2;
    private static final int LIMIT = 1;
    private static final int UNAPPLIED = 9;
    private static final int OUTSTANDING = 17;
    private static final int HEAD = 25;
    /** Of an invoice, beside its id. */
    private static final int FIXED = 1 + 8 + 4;

    private byte[] bytes = new byte[1024];
    private int length = HEAD;

    /** Takes what is stored; null where nothing is. */
    public void load(byte[] stored) {
        if (stored == null) {
            Arrays.fill(bytes, 0, HEAD, (byte) 0);
            length = HEAD;
            return;
        }
        if (stored.length > bytes.length) {
            bytes = new byte[stored.length * 2];
        }
        System.arraycopy(stored, 0, bytes, 0, stored.length);
        length = stored.length;
    }

    /** What is to be stored. */
    public byte[] stored() {
        return Arrays.copyOf(bytes, length);
    }

    /** Takes an event in, and says whether the buyer went over its limit or came back. */
    public Change apply(Event event) {
        switch (event.kind) {
            case Event.LIMIT -> {
                set(LIMIT, event.amount);
                bytes[0] |= HAS_LIMIT;
            }
            case Event.INVOICE -> issue(event);
            case Event.PAYMENT -> pay(event);
            default -> {
                return Change.NONE;
            }
        }
        return judge();
    }

    public long exposure() {
        return Math.max(0, Math.subtractExact(get(OUTSTANDING), get(UNAPPLIED)));
    }

    public long limit() {
        return get(LIMIT);
    }

    /** What is open of invoices due before a day. */
    public long overdue(int day) {
        long sum = 0;
        for (int at = HEAD; at < length; at += FIXED + idLength(at)) {
            int end = at + 1 + idLength(at);
            if ((int) INT.get(bytes, end + 8) < day) {
                sum = Math.addExact(sum, get(end));
            }
        }
        return sum;
    }

    private Change judge() {
        long exposure = exposure();
        boolean isAlerted = (bytes[0] & ALERTED) != 0;
        boolean hasLimit = (bytes[0] & HAS_LIMIT) != 0;
        long limit = limit();
        if (!isAlerted && hasLimit && exposure > limit) {
            bytes[0] |= ALERTED;
            return Change.RAISED;
        }
        // 95 %, rounded down, which is exact, since an exposure is a whole number of units.
        if (isAlerted && exposure <= limit / 100 * 95 + limit % 100 * 95 / 100) {
            bytes[0] &= ~ALERTED;
            return Change.CLEARED;
        }
        return Change.NONE;
    }

    private void issue(Event event) {
        int start = event.timeEnd;
        int idLength = event.invoiceEnd[0] - start;
        if (find(event.text, start, idLength) >= 0) {
            return;
        }
        int size = FIXED + idLength;
        if (length + size > bytes.length) {
            bytes = Arrays.copyOf(bytes, (length + size) * 2);
        }
        bytes[length] = (byte) idLength;
        System.arraycopy(event.text, start, bytes, length + 1, idLength);
        set(length + 1 + idLength, event.amount);
        INT.set(bytes, length + 9 + idLength, event.dueDay);
        length += size;
        set(OUTSTANDING, Math.addExact(get(OUTSTANDING), event.amount));
    }

    private void pay(Event event) {
        long absorbed = 0;
        for (int i = 0; i < event.invoices; i++) {
            int start = event.invoiceStart(i);
            absorbed += settle(event.text, start, event.invoiceEnd[i] - start, event.allocated[i]);
        }
        set(OUTSTANDING, get(OUTSTANDING) - absorbed);
        set(UNAPPLIED, Math.addExact(get(UNAPPLIED), event.amount - absorbed));
    }

    /** Takes an amount off an invoice; says how much of it the invoice took. */
    private long settle(byte[] id, int start, int idLength, long amount) {
        int at = find(id, start, idLength);
        if (at < 0) {
            return 0;
        }
        int openAt = at + 1 + idLength;
        long open = get(openAt);
        if (amount < open) {
            set(openAt, open - amount);
            return amount;
        }
        int size = FIXED + idLength;
        System.arraycopy(bytes, at + size, bytes, at, length - at - size);
        length -= size;
        return open;
    }

    /** Where an invoice begins; negative where there is none. */
    private int find(byte[] id, int start, int idLength) {
        for (int at = HEAD; at < length; at += FIXED + idLength(at)) {
            if (idLength(at) == idLength && Arrays.equals(bytes, at + 1, at + 1 + idLength, id, start, start + idLength)) {
                return at;
            }
        }
        return -1;
    }

    /** Ids have up to 128 bytes. */
    private int idLength(int at) {
        return bytes[at] & 0xff;
    }

    private long get(int at) {
        return (long) LONG.get(bytes, at);
    }

    private void set(int at, long value) {
        LONG.set(bytes, at, value);
    }
}
