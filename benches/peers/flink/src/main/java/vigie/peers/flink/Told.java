package vigie.peers.flink;

/** An alert on its way out: a plain record of Flink's. */
public final class Told {
    public byte[] key;
    public byte[] value;

    public Told() {}

    public Told(byte[] key, byte[] value) {
        this.key = key;
        this.value = value;
    }
}
