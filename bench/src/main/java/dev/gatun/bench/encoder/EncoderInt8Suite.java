package dev.gatun.bench.encoder;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.tensor.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * MiniLM in bytes and in halves, beside ONNX Runtime's dynamic int8 of the same model and its F32. The int8 file is made by ONNX Runtime's
 * own tool, which needs Python: {@code bench/quantize.py}; without it that contender is left out.
 */
public final class EncoderInt8Suite implements Suite {
    @Override
    public String name() {
        return "encoder-int8";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (int threads : new int[] {1, 2}) {
            int[][] shapes = quick ? new int[][] {{1, 128}} : new int[][] {{1, 16}, {1, 33}, {1, 128}, {8, 128}, {32, 128}};
            for (int[] shape : shapes) {
                workloads.add(new Workload(shape[0] + "x" + shape[1] + ", threads " + threads,
                        Map.of("batch", shape[0], "seqLen", shape[1], "threads", threads, "mixed", 0), shape[0], "texts"));
            }
            if (!quick) {
                workloads.add(new Workload("32 of 4 to 128 tokens, threads " + threads,
                        Map.of("batch", 32, "seqLen", 128, "threads", threads, "mixed", 1), 32, "texts"));
            }
        }
        return workloads;
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun-int8", "onnxruntime-int8", "gatun-f16", "onnxruntime");
    }

    @Override
    public List<String> contenders(Workload workload) {
        return contenders().stream().filter(name -> !name.equals("onnxruntime-int8") || Files.exists(int8())).toList();
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        int[][] tokens = EncoderSuite.tokens(workload);
        int threads = workload.get("threads");
        Path model = EncoderSuite.model();
        return switch (contender) {
            case "gatun-int8" -> new GatunEncoder(model, tokens, threads, Precision.INT8);
            case "gatun-f16" -> new GatunEncoder(model, tokens, threads, Precision.F16);
            case "onnxruntime-int8" -> new OnnxRuntimeEncoder(int8(), tokens, threads);
            case "onnxruntime" -> new OnnxRuntimeEncoder(model, tokens, threads);
            default -> throw new IllegalArgumentException(contender);
        };
    }

    private static Path int8() {
        return EncoderSuite.model().resolveSibling("model_int8.onnx");
    }

    /** ONNX Runtime's vectors have a mean cosine of 0.95 to those of F32, which is a distance of 0.32; ours of 0.9995. */
    @Override
    public double tolerance() {
        return 0.5;
    }
}
