package dev.gatun.bench.ffm;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import java.util.List;
import java.util.Map;

/** Chains of {k -> n with GELU -> k}, from large to so small that only the calls remain, and calls that do nothing. */
public final class FfmSuite implements Suite {
    static final int CALLS = 10_000;

    @Override
    public String name() {
        return "ffm";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        Workload calls = new Workload("empty downcalls x " + CALLS, Map.of("layers", 0, "m", 0, "k", 0, "n", 0), CALLS, "calls");
        Workload tiny = chain(6, 1, 16, 16), large = chain(6, 128, 384, 1536);
        return quick ? List.of(calls, tiny, large) : List.of(calls, tiny, chain(6, 16, 384, 1536), large);
    }

    private static Workload chain(int layers, int m, int k, int n) {
        return new Workload(layers + " x {" + k + "-" + n + " GELU-" + k + "}, M " + m,
                Map.of("layers", layers, "m", m, "k", k, "n", n), 2L * layers, "primitives");
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "c++");
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        return switch (contender) {
            case "gatun" -> workload.get("layers") == 0 ? new EmptyCalls() : new JavaChain(workload);
            case "c++" -> new CppChain(workload);
            default -> throw new IllegalArgumentException(contender);
        };
    }

    @Override
    public double tolerance() {
        return 1e-6;
    }

    /** The operands of both: numbers in [-1, 1) from a linear congruential generator. */
    static float[] numbers(int seed, int count, float scale) {
        float[] values = new float[count];
        int state = seed;
        for (int i = 0; i < count; i++) {
            state = state * 1664525 + 1013904223;
            values[i] = ((state >>> 8) / 8388608f - 1f) * scale;
        }
        return values;
    }
}
