package dev.gatun.tensor.graph.pass;

import static dev.gatun.tensor.testing.GraphRunner.check;
import static dev.gatun.tensor.testing.GraphRunner.kinds;
import static dev.gatun.tensor.testing.GraphRunner.weight;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Attention;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JoinProjectionsTest {
    private static final Sizes SIZES = Sizes.of("n", 7, "m", 5);
    private static final Map<String, int[]> SEQUENCES = Map.of("own", new int[] {2, 0, 3, 7}, "theirs", new int[] {2, 0, 1, 5});

    /** Attention of two heads, one of keys and values, over rows of x and of another source. */
    private static final class Heads {
        private final Arena arena;
        private final GraphBuilder graph = new GraphBuilder("heads");
        private final Port x = graph.input("x", Spec.of(DataType.F32, "n", 9));
        private final Port own = graph.input("own", Spec.of(DataType.S32, 4));

        private Heads(Arena arena) {
            this.arena = arena;
        }

        private Port linear(String name, Port source, int columns, boolean bias) {
            return graph.add(name, new Linear(weight(arena, name, columns, 9), bias ? weight(arena, name + ".bias", columns) : null),
                    source);
        }

        private Port attend(Port q, Port k, Port v, Port theirs) {
            AttentionOp op = new AttentionOp(AttentionOp.Source.SEPARATE, 2, 1, 5, false, AttentionOp.MaskKind.NONE, false);
            Port y = graph.add("attend", new Attention(op, weight(arena, "distances", 2, 5)), q, k, v, own, theirs);
            graph.output("y", y);
            return y;
        }

        private Graph join() {
            return check(new JoinProjections(), graph.build(), SIZES, arena, 8 * Reference.tolerance(9 * 7), SEQUENCES);
        }
    }

    /** With biases, and with one that only some have, as Whisper's keys. */
    @Test
    void queriesKeysAndValuesOfOneSourceAreOneProduct() {
        for (boolean all : new boolean[] {true, false}) {
            try (Arena arena = Arena.ofShared()) {
                Heads h = new Heads(arena);
                h.attend(h.linear("q", h.x, 10, true), h.linear("k", h.x, 5, all), h.linear("v", h.x, 5, true), h.own);
                assertEquals(List.of("q+2 Linear", "attend Attention"), kinds(h.join()));
            }
        }
    }

    @Test
    void keysAndValuesOfAnotherSourceAreOneProduct() {
        try (Arena arena = Arena.ofShared()) {
            Heads h = new Heads(arena);
            Port other = h.graph.input("other", Spec.of(DataType.F32, "m", 9));
            Port theirs = h.graph.input("theirs", Spec.of(DataType.S32, 4));
            h.attend(h.linear("q", h.x, 10, true), h.linear("k", other, 5, false), h.linear("v", other, 5, true), theirs);
            assertEquals(List.of("q Linear", "k+1 Linear", "attend Attention"), kinds(h.join()));
        }
    }

    /** Keys that are an output too, and values of another source than keys. */
    @Test
    void whatIsReadElsewhereOrMadeOfOtherRowsStaysApart() {
        try (Arena arena = Arena.ofShared()) {
            Heads h = new Heads(arena);
            Port k = h.linear("k", h.x, 5, true);
            h.graph.output("keys", k);
            h.attend(h.linear("q", h.x, 10, true), k, h.linear("v", h.x, 5, true), h.own);
            assertEquals(List.of("k Linear", "q Linear", "v Linear", "attend Attention"), kinds(h.join()));
        }
        try (Arena arena = Arena.ofShared()) {
            Heads h = new Heads(arena);
            Port other = h.graph.input("other", Spec.of(DataType.F32, "n", 9));
            h.attend(h.linear("q", h.x, 10, true), h.linear("k", h.x, 5, true), h.linear("v", other, 5, true), h.own);
            assertEquals(List.of("q Linear", "k Linear", "v Linear", "attend Attention"), kinds(h.join()));
        }
    }
}
