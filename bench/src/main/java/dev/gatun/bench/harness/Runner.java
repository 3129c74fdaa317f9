package dev.gatun.bench.harness;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Times the contenders of a workload in turns: A B C A B C .... One computes while the others wait for their turn.
 *
 * @param rounds        turns of each contender
 * @param roundSeconds  least duration of a turn
 * @param warmUpSeconds least duration before the first
 * @param progress      where progress is printed
 */
public record Runner(int rounds, double roundSeconds, double warmUpSeconds, PrintWriter progress) {
    /** Thread pools that spin after their work are given this long to go to sleep. */
    private static final long PAUSE_MILLIS = 60;

    /** All contenders of one workload; a missing one is a result that says why. */
    public List<Result> run(Suite suite, int index, boolean quick) {
        Workload workload = suite.workloads(quick).get(index);
        progress.println(suite.name() + " " + workload.name());
        Map<String, ContenderProcess> processes = new LinkedHashMap<>();
        Map<String, String> missing = new LinkedHashMap<>();
        try {
            for (String name : suite.contenders(workload)) {
                try {
                    processes.put(name, new ContenderProcess(suite.name(), name, index, quick));
                } catch (IllegalStateException e) {
                    missing.put(name, e.getMessage());
                    progress.println("  " + name + " is missing: " + e.getMessage());
                }
            }
            return measure(suite, workload, processes, missing);
        } finally {
            processes.values().forEach(ContenderProcess::close);
        }
    }

    private List<Result> measure(Suite suite, Workload workload, Map<String, ContenderProcess> processes,
            Map<String, String> missing) {
        Map<String, Double> differences = compare(suite, workload, processes);
        Map<String, Integer> counts = new LinkedHashMap<>();
        Map<String, Long> loaded = new LinkedHashMap<>();
        processes.forEach((name, process) -> loaded.put(name, process.residentBytes()));
        processes.forEach((name, process) -> counts.put(name, warmUp(process)));
        Map<String, List<Double>> medians = new LinkedHashMap<>();
        Map<String, List<Double>> all = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            for (Map.Entry<String, ContenderProcess> entry : processes.entrySet()) {
                pause();
                double[] millis = millis(entry.getValue().run(counts.get(entry.getKey())));
                medians.computeIfAbsent(entry.getKey(), k -> new ArrayList<>()).add(Statistics.median(millis));
                List<Double> samples = all.computeIfAbsent(entry.getKey(), k -> new ArrayList<>());
                for (double sample : millis) {
                    samples.add(sample);
                }
            }
        }
        List<Result> results = new ArrayList<>();
        String ours = suite.contenders().getFirst();
        for (String name : suite.contenders(workload)) {
            if (missing.containsKey(name)) {
                results.add(Result.missing(suite.name(), workload, name, missing.get(name)));
                continue;
            }
            List<Double> ratios = new ArrayList<>();
            for (int round = 0; round < rounds && !name.equals(ours) && medians.containsKey(ours); round++) {
                ratios.add(medians.get(name).get(round) / medians.get(ours).get(round));
            }
            ContenderProcess process = processes.get(name);
            double median = Statistics.median(Result.array(medians.get(name)));
            results.add(new Result(suite.name(), workload.name(), name, process.version(), false, medians.get(name),
                    Statistics.quantile(Result.array(all.get(name)), 0.99), ratios, workload.items() / (median * 1e-3),
                    workload.unit(), differences.getOrDefault(name, 0.0), process.startSeconds(), process.residentBytes() / 1e6,
                    loaded.get(name) / 1e6, process.libraryBytes() / 1e6));
        }
        return results;
    }

    /** Fails if a contender computes something else than ours. */
    private static Map<String, Double> compare(Suite suite, Workload workload, Map<String, ContenderProcess> processes) {
        Map<String, Double> differences = new LinkedHashMap<>();
        float[] ours = null;
        for (Map.Entry<String, ContenderProcess> entry : processes.entrySet()) {
            float[] output = entry.getValue().output();
            ours = ours == null ? output : ours;
            double difference = Statistics.difference(ours, output);
            if (!(difference <= suite.tolerance())) {
                throw new IllegalStateException(suite.name() + " " + workload.name() + ": " + entry.getKey()
                        + " computes something else: relative difference " + difference + ", allowed " + suite.tolerance());
            }
            differences.put(entry.getKey(), difference);
        }
        return differences;
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
        return (int) Math.clamp(Math.ceil(roundSeconds * 1e3 / Math.max(last, 1e-3)), last > 500 ? 1 : 3, 20_000);
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
