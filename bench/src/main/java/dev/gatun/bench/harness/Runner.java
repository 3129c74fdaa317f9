package dev.gatun.bench.harness;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.DoubleStream;

/**
 * Times the contenders of a workload in turns: A B C A B C .... One computes while the others wait for their turn. Then again with
 * new processes: where memory happens to lie decides too.
 *
 * @param forks         sets of processes
 * @param rounds        turns of each contender in a fork
 * @param roundSeconds  least duration of a turn
 * @param warmUpSeconds least duration before the first
 * @param loadSeconds   duration of a measurement under load
 * @param progress      where progress is printed
 */
public record Runner(int forks, int rounds, double roundSeconds, double warmUpSeconds, double loadSeconds, PrintWriter progress) {
    /** Thread pools that spin after their work are given this long to go to sleep. */
    private static final long PAUSE_MILLIS = 60;
    /** What takes this long is run once a turn, and has one turn a fork: it is slower by factors, not by percent. */
    private static final double SLOW_MILLIS = 1500;
    /** Seconds to find the multiply-add peak between runs. */
    private static final double PEAK_SECONDS = 0.5;
    /** Shares of what the slowest engine can serve at most. */
    private static final double[] LOADS = {0.5, 0.8};
    /** They would slow the rates for everyone, and are not what anyone serves with. */
    private static final Set<String> NOT_SERVED = Set.of("vector-api", "plain-java");

    /** What is known of one contender so far. */
    private static final class Progress {
        private final List<Double> medians = new ArrayList<>();
        private final List<Double> ratios = new ArrayList<>();
        private final List<Double> samples = new ArrayList<>();
        private final List<Result.Load> loads = new ArrayList<>();
        private List<Double> resident = new ArrayList<>();
        private double difference;
        private String version;
        private String missing;
        private Result.Memory memory;
        private double startSeconds;
        private int runs;
        private double loaded;
        private double peak;
    }

    /** All contenders of one workload; a missing one is a result that says why. */
    public List<Result> run(Suite suite, int index, boolean quick) throws IOException {
        Workload workload = suite.workloads(quick).get(index);
        progress.println(suite.name() + " " + workload.name());
        suite.prepare(workload);
        Map<String, Progress> records = new LinkedHashMap<>();
        suite.contenders(workload).forEach(name -> records.put(name, new Progress()));
        for (int fork = 0; fork < forks; fork++) {
            fork(suite, index, quick, records, fork);
        }
        List<Result> results = new ArrayList<>();
        records.forEach((name, r) -> results.add(r.missing != null ? Result.missing(suite.name(), workload, name, r.missing)
                : result(suite, workload, name, r)));
        return results;
    }

    private static Result result(Suite suite, Workload workload, String name, Progress r) {
        double median = Statistics.median(Result.array(r.medians));
        return new Result(suite.name(), workload.name(), workload.parameters(), name, r.version, false, r.medians,
                Statistics.quantile(Result.array(r.samples), 0.99), r.ratios, workload.items() / (median * 1e-3), workload.unit(),
                suite.bytesPerItem(workload), r.peak, r.difference, r.memory, r.loads);
    }

    private void fork(Suite suite, int index, boolean quick, Map<String, Progress> records, int fork) {
        boolean last = fork == forks - 1;
        Workload workload = suite.workloads(quick).get(index);
        Map<String, ContenderProcess> processes = new LinkedHashMap<>();
        try {
            start(suite, index, quick, fork == 0, records, processes);
            compare(suite, workload, processes, records);
            processes.forEach((name, process) -> {
                Progress r = records.get(name);
                r.loaded = process.residentBytes() / 1e6;
                r.resident = new ArrayList<>();
                r.runs = warmUp(process);
            });
            turns(suite.contenders().getFirst(), processes, records);
            if (last && workload.parameters().getOrDefault("load", 0) == 1) {
                load(suite.loads(quick), processes, records);
            }
            processes.forEach((name, process) -> {
                Progress r = records.get(name);
                r.memory = new Result.Memory(r.startSeconds, r.loaded, r.resident, r.runs, process.libraryBytes() / 1e6);
                // Last, for it loads our library into every process.
                if (last && workload.unit().equals(Report.FLOP) && r.medians.getLast() <= SLOW_MILLIS) {
                    pause();
                    r.peak = process.peak(workload.parameters().getOrDefault("threads", 1), PEAK_SECONDS);
                }
            });
        } finally {
            processes.values().forEach(ContenderProcess::close);
        }
    }

    /** One after the other while it is timed; otherwise as many at once as there are cores. */
    private void start(Suite suite, int index, boolean quick, boolean timed, Map<String, Progress> records,
            Map<String, ContenderProcess> processes) {
        Map<String, Future<ContenderProcess>> starting = new LinkedHashMap<>();
        try (ExecutorService starters = Executors.newFixedThreadPool(timed ? 1 : Runtime.getRuntime().availableProcessors())) {
            records.forEach((name, r) -> {
                if (r.missing == null) {
                    starting.put(name, starters.submit(() -> new ContenderProcess(suite.name(), name, index, quick)));
                }
            });
        }
        starting.forEach((name, future) -> {
            Progress r = records.get(name);
            if (future.state() == Future.State.SUCCESS) {
                ContenderProcess process = future.resultNow();
                processes.put(name, process);
                r.version = process.version();
                if (timed) {
                    r.startSeconds = process.startSeconds();
                }
            } else {
                r.missing = String.valueOf(future.exceptionNow().getMessage());
                progress.println("  " + name + " is missing: " + r.missing);
            }
        });
    }

    private void turns(String ours, Map<String, ContenderProcess> processes, Map<String, Progress> records) {
        for (int round = 0; round < rounds; round++) {
            double base = Double.NaN;
            for (Map.Entry<String, ContenderProcess> entry : processes.entrySet()) {
                Progress r = records.get(entry.getKey());
                if (round > 0 && r.medians.getLast() > SLOW_MILLIS && !entry.getKey().equals(ours)) {
                    continue;
                }
                pause();
                double[] millis = millis(entry.getValue().run(r.runs));
                double median = Statistics.median(millis);
                r.medians.add(median);
                for (double sample : millis) {
                    r.samples.add(sample);
                }
                r.resident.add(entry.getValue().residentBytes() / 1e6);
                if (entry.getKey().equals(ours)) {
                    base = median;
                } else if (!Double.isNaN(base)) {
                    r.ratios.add(median / base);
                }
            }
        }
    }

    /** The same arrivals for everyone, at the suite's rates or at such that the slowest engine can serve. */
    private void load(List<Suite.Load> loads, Map<String, ContenderProcess> processes, Map<String, Progress> records) {
        double slowest = processes.keySet().stream().filter(name -> !NOT_SERVED.contains(name))
                .mapToDouble(name -> Statistics.median(Result.array(records.get(name).medians))).max().orElseThrow();
        List<Suite.Load> own = DoubleStream.of(LOADS).map(share -> share * 1e3 / slowest)
                .mapToObj(rate -> new Suite.Load(rate, (int) (rate * loadSeconds))).toList();
        for (Suite.Load load : loads.isEmpty() ? own : loads) {
            processes.forEach((name, process) -> {
                if (!NOT_SERVED.contains(name)) {
                    pause();
                    double[] millis = millis(process.load(load.rate(), load.requests() / load.rate()));
                    List<Double> percentiles = new ArrayList<>();
                    for (double p : Result.Load.PERCENTILES) {
                        percentiles.add(Statistics.quantile(millis, p));
                    }
                    records.get(name).loads.add(new Result.Load(load.rate(), millis.length, percentiles));
                }
            });
        }
    }

    /** Fails if a contender computes something else than ours. */
    private static void compare(Suite suite, Workload workload, Map<String, ContenderProcess> processes, Map<String, Progress> records) {
        float[] ours = null;
        for (Map.Entry<String, ContenderProcess> entry : processes.entrySet()) {
            float[] output = entry.getValue().output();
            ours = ours == null ? output : ours;
            double difference = Statistics.difference(ours, output);
            if (!(difference <= suite.tolerance(workload))) {
                throw new IllegalStateException(suite.name() + " " + workload.name() + ": " + entry.getKey()
                        + " computes something else: relative difference " + difference + ", allowed " + suite.tolerance(workload));
            }
            records.get(entry.getKey()).difference = difference;
        }
    }

    /** Runs until warm; returns how many runs fill a round. */
    private int warmUp(ContenderProcess process) {
        long start = System.nanoTime();
        int count = 1;
        double last = 0;
        while ((System.nanoTime() - start) * 1e-9 < warmUpSeconds) {
            double[] millis = millis(process.run(count));
            last = Statistics.median(millis);
            count = (int) Math.clamp(warmUpSeconds * 250 / Math.max(last, 1e-3), 1, 2000);
        }
        return (int) Math.clamp(Math.ceil(roundSeconds * 1e3 / Math.max(last, 1e-3)), last > 300 ? 1 : 3, 20_000);
    }

    private static double[] millis(long[] nanos) {
        double[] millis = new double[nanos.length];
        for (int i = 0; i < nanos.length; i++) {
            millis[i] = nanos[i] * 1e-6;
        }
        return millis;
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
