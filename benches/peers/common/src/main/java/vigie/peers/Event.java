package vigie.peers;

/**
 * One input event, as much of it as the job needs. It is filled again and again: texts lie one after another in one array, so a
 * filled event allocates nothing.
 */
public final class Event {
    /** What the job does not know: it is skipped. */
    public static final byte OTHER = 0;
    public static final byte LIMIT = 1;
    public static final byte INVOICE = 2;
    public static final byte PAYMENT = 3;

    public byte kind;
    /** The UTC day of the event's time, since 1970. */
    public int day;
    /** In 1/10,000 of a euro. */
    public long amount;
    /** The day an invoice is due on. */
    public int dueDay;

    /** All texts: the id, the source, the time, the invoice or the invoices of the allocations. */
    public byte[] text = new byte[96];
    public int textLength;
    public int idEnd;
    public int sourceEnd;
    /** Where the last of the three ends. */
    public int timeEnd;

    /** Of a payment: each allocation's invoice ends here, begins where the one before it ends, the first at {@link #timeEnd}. */
    public int[] invoiceEnd = new int[1];
    public long[] allocated = new long[1];
    /** How many invoices are named: one by an invoice, any number by a payment. */
    public int invoices;

    void clear() {
        kind = OTHER;
        day = 0;
        amount = 0;
        dueDay = 0;
        textLength = 0;
        idEnd = 0;
        sourceEnd = 0;
        timeEnd = 0;
        invoices = 0;
    }

    int invoiceStart(int index) {
        return index == 0 ? timeEnd : invoiceEnd[index - 1];
    }

    void addInvoice(long amount) {
        if (invoices == invoiceEnd.length) {
            invoiceEnd = java.util.Arrays.copyOf(invoiceEnd, invoices * 2);
            allocated = java.util.Arrays.copyOf(allocated, invoices * 2);
        }
        invoiceEnd[invoices] = textLength;
        allocated[invoices] = amount;
        invoices++;
    }

    void addText(byte[] from, int start, int length) {
        reserve(length);
        System.arraycopy(from, start, text, textLength, length);
        textLength += length;
    }

    void addText(char[] from, int start, int length) {
        reserve(length);
        for (int i = 0; i < length; i++) {
            char c = from[start + i];
            if (c >= 0x80) {
                byte[] utf8 = new String(from, start + i, length - i).getBytes(java.nio.charset.StandardCharsets.UTF_8);
                addText(utf8, 0, utf8.length);
                return;
            }
            text[textLength++] = (byte) c;
        }
    }

    private void reserve(int length) {
        if (textLength + length > text.length) {
            text = java.util.Arrays.copyOf(text, (textLength + length) * 2);
        }
    }
}
