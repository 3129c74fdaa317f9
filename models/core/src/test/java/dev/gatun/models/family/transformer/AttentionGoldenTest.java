package dev.gatun.models.family.transformer;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.AttentionOp.MaskKind;
import dev.gatun.tensor.op.AttentionOp.Source;
import dev.gatun.tensor.testing.OpRunner;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The attention operation against PyTorch: grouped heads, causal behind a cache, every mask, fully hidden rows. */
class AttentionGoldenTest {

    @Test
    void everyRunAgreesWithPyTorch() {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile file = Goldens.open(arena, "transformer/attention/plain.safetensors");
            for (String run : file.metadata().get("runs").split(",")) {
                try {
                    check(arena, file, "run." + run + ".");
                } catch (AssertionError | RuntimeException e) {
                    throw new AssertionError(run + ": " + e.getMessage(), e);
                }
            }
        }
    }

    private static void check(Arena arena, SafetensorsFile file, String run) {
        Shape q = file.entry(run + "q").shape();
        Shape k = file.entry(run + "k").shape();
        int batch = (int) q.dim(0);
        int heads = (int) q.dim(1);
        int queries = (int) q.dim(2);
        int dim = (int) q.dim(3);
        int kvHeads = (int) k.dim(1);
        int keys = (int) k.dim(2);
        boolean masked = file.names().contains(run + "mask");
        boolean causal = Boolean.parseBoolean(file.metadata().get(run + "causal"));
        AttentionOp op = new AttentionOp(Source.SEPARATE, heads, kvHeads, dim, causal,
                masked ? MaskKind.SEQUENCE_HEAD_QUERY_KEY : MaskKind.NONE, false);
        List<Tensor> inputs = new ArrayList<>(List.of(rows(arena, file, run + "q"), rows(arena, file, run + "k"),
                rows(arena, file, run + "v"), sequences(arena, batch, queries), sequences(arena, batch, keys)));
        if (masked) {
            inputs.add(mask(arena, file, run + "mask", queries, keys));
        }
        float[] expected = rows(arena, file, run + "expected").toFloats();
        for (int threads = 1; threads <= 2; threads++) {
            float[] actual = OpRunner.run(arena, threads, op, inputs.toArray(Tensor[]::new)).toFloats();
            Reference.assertClose(Reference.widen(expected), actual, 1e-5);
        }
    }

    /** [batch, heads, len, dim] to [batch * len, heads * dim]. */
    private static Tensor rows(Arena arena, SafetensorsFile file, String name) {
        Shape shape = file.entry(name).shape();
        int heads = (int) shape.dim(1);
        int len = (int) shape.dim(2);
        int dim = (int) shape.dim(3);
        float[] values = Goldens.floats(file, name);
        float[] rows = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            int d = i % dim;
            int t = i / dim % len;
            int h = i / dim / len % heads;
            int b = i / dim / len / heads;
            rows[((b * len + t) * heads + h) * dim + d] = values[i];
        }
        return Tensor.ofFloats(arena, rows, shape.dim(0) * len, (long) heads * dim);
    }

    /** Brings a mask to four dimensions, the last two whole. */
    private static Tensor mask(Arena arena, SafetensorsFile file, String name, int queries, int keys) {
        Shape shape = file.entry(name).shape();
        long[] dims = {1, 1, 1, 1};
        for (int i = 0; i < shape.rank(); i++) {
            dims[4 - shape.rank() + i] = shape.dim(i);
        }
        float[] values = Goldens.floats(file, name);
        float[] whole = new float[(int) (dims[0] * dims[1]) * queries * keys];
        for (int i = 0; i < whole.length; i++) {
            long key = dims[3] == 1 ? 0 : i % keys;
            long query = dims[2] == 1 ? 0 : i / keys % queries;
            whole[i] = values[(int) ((i / keys / queries * dims[2] + query) * dims[3] + key)];
        }
        return Tensor.ofFloats(arena, whole, dims[0], dims[1], queries, keys);
    }

    static Tensor sequences(Arena arena, int count, int length) {
        int[] values = new int[count + 2];
        values[0] = count;
        for (int i = 0; i <= count; i++) {
            values[i + 1] = i * length;
        }
        return Tensor.ofInts(arena, values, values.length);
    }
}
