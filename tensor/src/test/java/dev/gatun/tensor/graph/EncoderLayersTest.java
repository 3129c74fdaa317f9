package dev.gatun.tensor.graph;

import static dev.gatun.tensor.testing.GraphRunner.kinds;
import static dev.gatun.tensor.testing.GraphRunner.weight;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.pass.FuseEmbeddingNorm;
import dev.gatun.tensor.graph.pass.JoinProjections;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.RotaryOp;
import dev.gatun.tensor.testing.GraphRunner;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EncoderLayersTest {
    private static final Sizes SEVEN = Sizes.of("n", 7);

    /** Random sequences are none: what is shown is that the pass rewrites, and that both graphs compile and run. */
    @Test
    void attentionWithDistancesIsJoinedToo() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("attention");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 9));
            Port sequences = g.input("sequences", Spec.of(DataType.S32, 3));
            Port[] parts = IntStream.range(0, 3).mapToObj(i -> g.add("p" + i, new Linear(weight(arena, "w" + i, 8, 9), null), x))
                    .toArray(Port[]::new);
            AttentionOp op = new AttentionOp(AttentionOp.Source.SEPARATE, 2, 2, 4, false, AttentionOp.MaskKind.NONE, false);
            g.output("y", g.add("attend", new Attention(op, weight(arena, "d", 2, 5)), parts[0], parts[1], parts[2], sequences, sequences));
            Graph joined = new JoinProjections().run(g.build(), GraphRunner.TARGET, arena);
            assertEquals(List.of("p0+2 Linear", "attend Attention"), kinds(joined));
            assertEquals(AttentionOp.Source.PACKED, ((Attention) joined.nodes().getLast().layer()).op().source());
        }
    }

    @Test
    void aRotationByTheTableOfItsFrequencies() {
        try (Arena arena = Arena.ofShared()) {
            float[] frequencies = Rotary.frequencies(10000, 6);
            Weight table = Rotary.table(arena, frequencies, 3, 2f);
            for (int p = 0; p < 3; p++) {
                for (int i = 0; i < 3; i++) {
                    double angle = p * Math.pow(10000, -2 * i / 6.0);
                    assertEquals(2 * Math.cos(angle), table.tensor().getFloat(p * 6 + i), 4e-7);
                    assertEquals(2 * Math.sin(angle), table.tensor().getFloat(p * 6 + 3 + i), 4e-7);
                }
            }
            GraphBuilder g = new GraphBuilder("norms");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 16));
            g.output("y", g.add("heads", new Rotary(new RotaryOp.Heads(1, 1, 8, false, false), null, weight(arena, "q", 8),
                    weight(arena, "k", 8), 1e-6f), x));
            float[] y = GraphRunner.run(g.build(), SEVEN, 1).get("y");
            double squares = 0;
            for (int d = 0; d < 8; d++) {
                squares += Math.pow(y[d] / weight(arena, "q", 8).tensor().getFloat(d), 2);
            }
            assertEquals(8, squares, 1e-3, "a normalized head's length");
        }
    }

    /** By transformers' T5Attention._relative_position_bucket, 8 buckets, distances from -20 to 6. */
    @Test
    void bucketsOfDistances() {
        int[] both = {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 1, 0, 5, 6, 6, 6, 6, 6};
        int[] back = {7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 5, 5, 5, 4, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0};
        try (Arena arena = Arena.ofShared()) {
            Weight table = new Weight("t", Tensor.ofFloats(arena, new float[] {0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15, 6, 16, 7, 17}, 8,
                    2));
            Weight wide = Distances.ofBuckets(arena, table, true, 20);
            for (int i = 0; i < both.length; i++) {
                assertEquals(both[i], Distances.bucket(i - 20, true, 8, 20), "distance " + (i - 20));
                assertEquals(back[i], Distances.bucket(i - 20, false, 8, 20), "distance " + (i - 20));
                assertEquals(both[i] + 10, wide.tensor().getFloat(41 + i));
            }
            // As transformers: heads beyond a power of two take every second slope of the next.
            assertArrayEquals(new float[] {0.0625f, 0.00390625f, 0.25f},
                    new float[] {Distances.alibiSlopes(2)[0], Distances.alibiSlopes(2)[1],
                Distances.alibiSlopes(3)[2]}, 1e-9f);
            assertArrayEquals(new float[] {-0.125f, -0.0625f, 0, -0.0625f, -0.125f},
                    java.util.Arrays.copyOf(Distances.alibi(arena, Distances.alibiSlopes(2), 2).tensor().toFloats(), 5));
        }
    }

    /** By transformers' make_log_bucket_position, clamped as its layers do. */
    @Test
    void rowsAndTablesOfDisentangledPositions() {
        assertEquals(List.of(7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0), Disentangled.rows(4, true, 9, 12));
        assertEquals(List.of(11, 11, 11, 11, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0), Disentangled.rows(6, false, 0, 9));
        try (Arena arena = Arena.ofShared()) {
            Weight projected = Disentangled.project(arena, weight(arena, "e", 7, 5), weight(arena, "w", 9, 5), weight(arena, "b", 9));
            Reference.assertClose(Reference.matmul(weight(arena, "e", 7, 5).tensor().toFloats(),
                    weight(arena, "w", 9, 5).tensor().toFloats(), true,
                    weight(arena, "b", 9).tensor().toFloats(), 7, 9, 5), projected.tensor().toFloats(), Reference.tolerance(5));
            GraphBuilder g = new GraphBuilder("positions");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 27));
            Port sequences = g.input("sequences", Spec.of(DataType.S32, 3));
            Attention layer = new Attention(AttentionOp.packedSelf(3, 3), null, new Disentangled(projected, null, List.of(6, 3, 0)));
            g.output("y", g.add("attend", layer, x, sequences));
            new Lowering(g.build(), GraphRunner.TARGET, new WeightPack(arena), arena);
            assertEquals(List.of(projected), layer.weights());
        }
    }

    @Test
    void aNormsOffsetIsPartOfItsGamma() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("norm");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 9));
            g.output("y", g.add("rms", new LayerNorm(weight(arena, "gamma", 9), null, 1e-6f, true, 1f), x));
            g.output("z", g.add("plain", LayerNorm.rms(weight(arena, "gamma", 9), 1e-6f), x));
            var results = GraphRunner.run(g.build(), SEVEN, 1);
            float[] gamma = weight(arena, "gamma", 9).tensor().toFloats();
            double[] expected = new double[63];
            for (int i = 0; i < 63; i++) {
                expected[i] = results.get("z")[i] / gamma[i % 9] * (gamma[i % 9] + 1.0);
            }
            Reference.assertClose(expected, results.get("y"), 1e-6);
        }
    }

    @Test
    void anRmsNormOfEmbeddingsStaysApart() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("embeddings");
            Port ids = g.input("ids", Spec.of(DataType.S32, "n"));
            Embedding words = new Embedding(weight(arena, "words", 5, 8), null, null, false, null, 1f);
            g.output("a", g.add("mean", new LayerNorm(weight(arena, "g", 8), null, 1e-6f), g.add("words", words, ids)));
            g.output("b", g.add("rms", LayerNorm.rms(weight(arena, "g", 8), 1e-6f), g.add("words.2", words, ids)));
            Graph fused = new FuseEmbeddingNorm().run(g.build(), GraphRunner.TARGET, arena);
            assertEquals(List.of("mean Embedding", "words.2 Embedding", "rms LayerNorm"), kinds(fused));
        }
    }
}
