package vigie.peers;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** What a peer is told: `--name value` pairs, the same for both. */
public record Arguments(
        String brokers, String input, String output, String group, Path stateDir, String store, long commitMs, int threads) {
    private static final Set<String> NAMES =
            Set.of("brokers", "input", "output", "group", "state-dir", "store", "commit-ms", "threads");

    public static Arguments parse(String[] words) {
        Map<String, String> given = new HashMap<>();
        for (int i = 0; i < words.length; i += 2) {
            String name = words[i].startsWith("--") ? words[i].substring(2) : "";
            if (!NAMES.contains(name) || i + 1 == words.length) {
                usage("what is " + words[i] + "?");
            }
            given.put(name, words[i + 1]);
        }
        for (String name : NAMES) {
            if (!given.containsKey(name)) {
                usage("--" + name + " is missing");
            }
        }
        if (!Set.of("memory", "rocksdb").contains(given.get("store"))) {
            usage("--store is memory or rocksdb");
        }
        return new Arguments(
                given.get("brokers"),
                given.get("input"),
                given.get("output"),
                given.get("group"),
                Path.of(given.get("state-dir")).toAbsolutePath(),
                given.get("store"),
                Long.parseLong(given.get("commit-ms")),
                Integer.parseInt(given.get("threads")));
    }

    public boolean inMemory() {
        return store.equals("memory");
    }

    private static void usage(String what) {
        System.err.println(what);
        System.err.println(
                "usage: --brokers HOST:PORT --input TOPIC --output TOPIC --group NAME --state-dir FOLDER"
                        + " --store memory|rocksdb --commit-ms N --threads N");
        System.exit(2);
    }
}
