package vigie.peers.streams;

import java.nio.file.Files;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import vigie.peers.Arguments;

/** The job on Kafka Streams: one processor with one store, in memory or in RocksDB, exactly once. */
public final class StreamsPeer {
    static final String STORE = "buyers";

    public static void main(String[] words) throws Exception {
        Arguments arguments = Arguments.parse(words);
        Files.createDirectories(arguments.stateDir());
        KafkaStreams streams = new KafkaStreams(topology(arguments), settings(arguments));
        CountDownLatch ended = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(
                error -> {
                    error.printStackTrace();
                    Runtime.getRuntime().halt(1);
                    return null;
                });
        streams.setStateListener(
                (now, before) -> {
                    if (now == KafkaStreams.State.RUNNING) {
                        System.out.println("running: Kafka Streams " + AppInfoParser.getVersion());
                    }
                });
        Runtime.getRuntime()
                .addShutdownHook(
                        new Thread(
                                () -> {
                                    streams.close();
                                    ended.countDown();
                                }));
        streams.start();
        ended.await();
    }

    private static Topology topology(Arguments arguments) {
        StoreBuilder<KeyValueStore<byte[], byte[]>> store =
                Stores.keyValueStoreBuilder(
                                arguments.inMemory()
                                        ? Stores.inMemoryKeyValueStore(STORE)
                                        : Stores.persistentKeyValueStore(STORE),
                                Serdes.ByteArray(),
                                Serdes.ByteArray())
                        // The changelog keeps the latest of each buyer; its records are compressed by the producer.
                        .withLoggingEnabled(Map.of());
        if (!arguments.inMemory()) {
            store = store.withCachingEnabled();
        }
        Topology topology = new Topology();
        topology.addSource("events", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), arguments.input());
        topology.addProcessor("exposure", ExposureProcessor::new, "events");
        topology.addStateStore(store, "exposure");
        topology.addSink(
                "alerts", arguments.output(), Serdes.ByteArray().serializer(), Serdes.ByteArray().serializer(), "exposure");
        return topology;
    }

    /** All that differs from the defaults, and why. */
    private static Properties settings(Arguments arguments) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments.group());
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments.brokers());
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments.stateDir().toString());
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, arguments.commitMs());
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, arguments.threads());
        // One broker.
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        // Writes to RocksDB are gathered between commits, and a buyer told of twice is written once.
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64 * 1024 * 1024L);
        settings.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksDbSettings.class);
        // The topology has one kind of task, so nothing waits for data of another partition.
        settings.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, StreamsConfig.MAX_TASK_IDLE_MS_DISABLED);
        // Larger polls: less work a record.
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 5_000);
        settings.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
        settings.put(StreamsConfig.restoreConsumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.RECEIVE_BUFFER_CONFIG), 1024 * 1024);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        // After a crash the same member comes back: nobody waits for the old one's session.
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), "bench");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 128 * 1024);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 20);
        // What a killed process left open is aborted after so long: nothing committed after it can be read before.
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), 10_000);
        return settings;
    }
}
