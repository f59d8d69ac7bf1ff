import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * What RocketMQ's own admin client needs to read the topic configurations of all masters, and to create many on each.
 *
 * <pre>
 * TopicBench read   NAME_SERVERS [rounds=50] [warmup=20] [threads=1]
 * TopicBench create NAME_SERVERS count=N [queues=4] [masters=0]
 *                                         for each PREFIX on standard input: PREFIX000000, PREFIX000001, … on so many masters
 *                                         (0: on all)
 * </pre>
 *
 * Every figure is of the whole process: wall clock, CPU of all threads (collector and compiler included; Linux only), and at
 * the end the resident set from /proc/self/status.
 */
public final class TopicBench {
    private static final long TIMEOUT_MS = 60_000;

    private final Map<String, String> options = new HashMap<>();
    private final DefaultMQAdminExt admin = new DefaultMQAdminExt(TIMEOUT_MS);
    private final List<String> masters = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        if (args.length < 2) {
            System.err.println("usage: TopicBench read|create NAME_SERVERS [option=value]...");
            System.exit(2);
        }
        TopicBench bench = new TopicBench(args);
        switch (args[0]) {
            case "read" -> bench.read();
            case "create" -> bench.create();
            default -> throw new IllegalArgumentException("neither read nor create: " + args[0]);
        }
        System.out.println("memory " + residentSet());
        // An orderly end of the client takes seconds, and nothing here is worth keeping.
        System.exit(0);
    }

    private TopicBench(String[] args) throws Exception {
        Stream.of(args).skip(2).map(a -> a.split("=", 2)).forEach(a -> options.put(a[0], a[1]));
        admin.setNamesrvAddr(args[1]);
        admin.setAdminExtGroup("bench");
        admin.start();
        admin.examineBrokerClusterInfo().getBrokerAddrTable().values()
            .forEach(broker -> masters.add(broker.getBrokerAddrs().get(0L)));
    }

    private int option(String name, int otherwise) {
        return Integer.parseInt(options.getOrDefault(name, String.valueOf(otherwise)));
    }

    /** With more threads than one, so many masters are asked at the same time. */
    private void read() throws Exception {
        int rounds = option("rounds", 50), warmup = option("warmup", 20);
        ExecutorService threads = Executors.newFixedThreadPool(option("threads", 1));
        double[] walls = new double[rounds];
        double cpu = 0;
        int topics = 0;
        for (int round = -warmup; round < rounds; round++) {
            double wallStart = System.nanoTime() / 1e6, cpuStart = cpuMillis();
            List<Future<Integer>> answers = new ArrayList<>();
            for (String master : masters)
                answers.add(threads.submit(() -> admin.getAllTopicConfig(master, TIMEOUT_MS).getTopicConfigTable().size()));
            topics = 0;
            for (Future<Integer> answer : answers) topics += answer.get();
            if (round < 0) continue;
            walls[round] = System.nanoTime() / 1e6 - wallStart;
            cpu += cpuMillis() - cpuStart;
        }
        Arrays.sort(walls);
        System.out.printf(Locale.ROOT, "read %d topics of %d masters: wall min %.1f median %.1f max %.1f ms, cpu mean %.1f ms%n",
            topics, masters.size(), walls[0], walls[rounds / 2], walls[rounds - 1], cpu / rounds);
    }

    private void create() throws Exception {
        List<String> chosen = masters.subList(0, option("masters", 0) == 0 ? masters.size() : option("masters", 0));
        BufferedReader prefixes = new BufferedReader(new InputStreamReader(System.in));
        for (String prefix = prefixes.readLine(); prefix != null; prefix = prefixes.readLine()) {
            List<TopicConfig> topics = new ArrayList<>();
            int queues = option("queues", 4);
            for (int i = 0; i < option("count", 1000); i++)
                topics.add(new TopicConfig(prefix + String.format("%06d", i), queues, queues, 6));
            double start = System.nanoTime() / 1e6;
            for (String master : chosen) admin.createAndUpdateTopicConfigList(master, topics);
            double accepted = System.nanoTime() / 1e6 - start;
            for (String master : chosen)
                if (!admin.getAllTopicConfig(master, TIMEOUT_MS).getTopicConfigTable().keySet().containsAll(
                        topics.stream().map(TopicConfig::getTopicName).toList()))
                    throw new IllegalStateException(master + " does not list all topics");
            System.out.printf(Locale.ROOT, "created %d on %d masters: accepted %.1f ms, listed %.1f ms%n", topics.size(),
                chosen.size(), accepted, System.nanoTime() / 1e6 - start);
            System.out.flush();
        }
    }

    /** Nanoseconds on a CPU of every thread, collector and compiler included; the JVM's own clock ticks in 10 ms. */
    private static double cpuMillis() {
        double nanos = 0;
        for (java.io.File task : new java.io.File("/proc/self/task").listFiles()) {
            try {
                nanos += Long.parseLong(Files.readString(task.toPath().resolve("schedstat")).split(" ")[0]);
            } catch (java.io.IOException gone) {
                // The thread ended between the listing and the read.
            }
        }
        return nanos / 1e6;
    }

    private static String residentSet() throws Exception {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            return String.join(", ", lines.filter(l -> l.startsWith("VmRSS") || l.startsWith("VmHWM")).map(l -> l.replaceAll("\\s+", " ")).toList());
        }
    }
}
