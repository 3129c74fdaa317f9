package dev.gatun.tensor.graph.pass;

import static dev.gatun.tensor.testing.GraphRunner.check;
import static dev.gatun.tensor.testing.GraphRunner.kinds;
import static dev.gatun.tensor.testing.GraphRunner.weight;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FuseEmbeddingNormTest {
    private static final Sizes SEVEN = Sizes.of("n", 7);
    private static final Map<String, int[]> INPUTS = Map.of("ids", new int[] {4, 0, 1, 1, 3, 2, 4}, "places",
            new int[] {0, 1, 2, 3, 0, 1, 2},
            "types", new int[] {0, 0, 1, 1, 0, 1, 0});

    /** Words alone, with positions, with types too; widths of one vector, of several and of none. */
    @Test
    void aNormOfRowsOfTablesIsPartOfThem() {
        for (int width : new int[] {1, 8, 33}) {
            for (int tables = 1; tables <= 3; tables++) {
                try (Arena arena = Arena.ofShared()) {
                    GraphBuilder g = new GraphBuilder("embeddings");
                    Port[] ids = new Port[tables];
                    for (int i = 0; i < tables; i++) {
                        ids[i] = g.input(List.of("ids", "places", "types").get(i), Spec.of(DataType.S32, "n"));
                    }
                    Embedding words = new Embedding(weight(arena, "words", 5, width), tables > 1 ? weight(arena, "places", 4, width) : null,
                            tables > 2 ? weight(arena, "types", 2, width) : null, tables > 2, null, 1.5f);
                    LayerNorm norm = new LayerNorm(weight(arena, "scale", width), weight(arena, "bias", width), 1e-5f);
                    g.output("y", g.add("norm", norm, g.add("words", words, ids)));
                    Graph fused = check(new FuseEmbeddingNorm(), g.build(), SEVEN, arena, Reference.tolerance(4 * width), INPUTS);
                    assertEquals(List.of("norm Embedding"), kinds(fused));
                }
            }
        }
    }

    @Test
    void rowsThatSomebodyElseReadsStay() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("embeddings");
            Embedding words = new Embedding(weight(arena, "words", 5, 9), null, null, false, null, 1f);
            Port rows = g.add("words", words, g.input("ids", Spec.of(DataType.S32, "n")));
            g.output("x", rows);
            g.output("y", g.add("norm", new LayerNorm(weight(arena, "scale", 9), weight(arena, "bias", 9), 1e-5f), rows));
            Graph same = check(new FuseEmbeddingNorm(), g.build(), SEVEN, arena, 0, INPUTS);
            assertEquals(List.of("words Embedding", "norm LayerNorm"), kinds(same));
        }
    }
}
