package vigie.peers.streams;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/** RocksDB with bounded memory shared by all stores, as Kafka's documentation teaches; more of it than the defaults give. */
public final class RocksDbSettings implements RocksDBConfigSetter {
    private static final long BLOCK_CACHE = 512L * 1024 * 1024;
    private static final long WRITE_BUFFERS = 192L * 1024 * 1024;
    private static final Cache CACHE = new LRUCache(BLOCK_CACHE, -1, false, 0.1);
    private static final WriteBufferManager BUFFERS = new WriteBufferManager(WRITE_BUFFERS, CACHE);
    private final BloomFilter filter = new BloomFilter(10);

    @Override
    public void setConfig(String store, Options options, Map<String, Object> configs) {
        BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
        table.setBlockCache(CACHE);
        table.setCacheIndexAndFilterBlocks(true);
        table.setCacheIndexAndFilterBlocksWithHighPriority(true);
        table.setPinTopLevelIndexAndFilter(true);
        table.setFilterPolicy(filter);
        options.setWriteBufferManager(BUFFERS);
        options.setTableFormatConfig(table);
    }

    @Override
    public void close(String store, Options options) {
        filter.close();
    }
}
