package vigie.peers.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import vigie.peers.Arguments;

/** The job on Apache Flink: a keyed function with one value a buyer, on the heap or in RocksDB, into an exactly-once sink. */
public final class FlinkPeer {
    public static void main(String[] words) throws Exception {
        Arguments arguments = Arguments.parse(words);
        Files.createDirectories(checkpoints(arguments));
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createLocalEnvironment(arguments.threads(), settings(arguments));
        environment
                .fromSource(source(arguments), WatermarkStrategy.noWatermarks(), "events")
                .uid("events")
                .keyBy(event -> event.buyer)
                .process(new ExposureFunction())
                .uid("exposure")
                .sinkTo(sink(arguments))
                .uid("alerts");
        JobClient job = environment.executeAsync("exposure");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> job.cancel().join()));
        while (job.getJobStatus().get() != JobStatus.RUNNING) {
            Thread.sleep(20);
        }
        System.out.println("running: Apache Flink " + EnvironmentInformation.getVersion());
        try {
            job.getJobExecutionResult().get();
        } catch (java.util.concurrent.ExecutionException error) {
            if (job.getJobStatus().get() != JobStatus.CANCELED) {
                error.printStackTrace();
                Runtime.getRuntime().halt(1);
            }
        }
    }

    /** All that differs from the defaults, and why. */
    private static Configuration settings(Arguments arguments) throws IOException {
        Configuration settings = new Configuration();
        settings.setString("taskmanager.numberOfTaskSlots", Integer.toString(arguments.threads()));
        // No copies between chained functions, and no type that would need Kryo.
        settings.setString("pipeline.object-reuse", "true");
        settings.setString("pipeline.generic-types", "false");
        // A commit is a checkpoint: the sink's transactions end with it.
        settings.setString("execution.checkpointing.interval", arguments.commitMs() + " ms");
        settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
        settings.setString("execution.checkpointing.storage", "filesystem");
        settings.setString("execution.checkpointing.dir", checkpoints(arguments).toUri().toString());
        settings.setString("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
        settings.setString("state.backend.type", arguments.inMemory() ? "hashmap" : "rocksdb");
        settings.setString("execution.checkpointing.incremental", Boolean.toString(!arguments.inMemory()));
        settings.setString("state.backend.rocksdb.localdir", arguments.stateDir().resolve("rocksdb").toString());
        // RocksDB's block cache and write buffers come out of this; the heap backend takes none of it.
        settings.setString("taskmanager.memory.managed.size", arguments.inMemory() ? "1m" : "704m");
        settings.setString("taskmanager.memory.network.min", "64m");
        settings.setString("taskmanager.memory.network.max", "64m");
        // What waits in a half-filled buffer between source and state waits no longer than this (default 100 ms).
        settings.setString("execution.buffer-timeout.interval", "5 ms");
        // An error ends the process: a benchmark must not go on as if nothing had happened.
        settings.setString("restart-strategy.type", "none");
        Optional<Path> newest = newestCheckpoint(arguments);
        if (newest.isPresent()) {
            settings.setString("execution.state-recovery.path", newest.get().toUri().toString());
            settings.setString("execution.state-recovery.claim-mode", "CLAIM");
        }
        return settings;
    }

    private static KafkaSource<KeyedEvent> source(Arguments arguments) {
        return KafkaSource.<KeyedEvent>builder()
                .setBootstrapServers(arguments.brokers())
                .setTopics(arguments.input())
                .setGroupId(arguments.group())
                .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
                .setDeserializer(new EventDeserializer())
                .setProperty("partition.discovery.interval.ms", "-1")
                .setProperty("isolation.level", "read_committed")
                .setProperty("max.poll.records", "2000")
                .setProperty("receive.buffer.bytes", "1048576")
                .build();
    }

    private static KafkaSink<Told> sink(Arguments arguments) {
        return KafkaSink.<Told>builder()
                .setBootstrapServers(arguments.brokers())
                .setRecordSerializer(
                        KafkaRecordSerializationSchema.<Told>builder()
                                .setTopic(arguments.output())
                                .setKeySerializationSchema(new Told.Key())
                                .setValueSerializationSchema(new Told.Value())
                                .build())
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(arguments.group())
                // A few ids that are used again, not a new one each checkpoint.
                .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
                .setProperty("transaction.timeout.ms", "60000")
                .setProperty("compression.type", "lz4")
                .setProperty("linger.ms", "20")
                .build();
    }

    private static Path checkpoints(Arguments arguments) {
        return arguments.stateDir().resolve("checkpoints");
    }

    /** The last checkpoint that a run before this one ended whole. */
    private static Optional<Path> newestCheckpoint(Arguments arguments) throws IOException {
        try (Stream<Path> files = Files.walk(checkpoints(arguments), 3)) {
            return files.filter(path -> path.endsWith("_metadata"))
                    .max(Comparator.comparingLong(path -> path.toFile().lastModified()))
                    .map(Path::getParent);
        }
    }
}
