package dev.gatun.bench.generation;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.tensor.Precision;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Transformer-base in bytes and in halves beside its F32: what reading fewer bytes a step is worth. */
public final class NarrowGenerationSuite implements Suite {
    private static final List<Precision> PRECISIONS = List.of(Precision.INT8, Precision.F16, Precision.F32);

    @Override
    public String name() {
        return "generation-narrow";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (int beams : quick ? new int[] {1} : new int[] {1, OnnxRuntimeGeneration.BEAMS}) {
            for (int batch : new int[] {1, 32}) {
                workloads.add(GenerationSuite.workload(Shape.BASE, batch, beams, quick ? 16 : 64, 1));
            }
        }
        return workloads;
    }

    @Override
    public List<String> contenders() {
        return PRECISIONS.stream().map(precision -> "gatun-" + precision.name().toLowerCase(Locale.ROOT)).toList();
    }

    @Override
    public void prepare(Workload workload) throws IOException {
        Shape.of(workload).folder();
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        Shape shape = Shape.of(workload);
        return new GatunGeneration(shape.folder(), PRECISIONS.get(contenders().indexOf(contender)), shape.sources(workload.get("batch")),
                workload.get("beams"), workload.get("tokens"), workload.get("threads"));
    }

    /** With random weights rounding decides between tokens early, and then everything behind differs: nothing is compared. */
    @Override
    public double tolerance() {
        return Double.MAX_VALUE;
    }
}
