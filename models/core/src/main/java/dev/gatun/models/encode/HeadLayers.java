package dev.gatun.models.encode;

import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.EltwiseOp;
import java.util.ArrayList;
import java.util.List;

/**
 * A checkpoint's head as layers, one after the other.
 *
 * @param pooling how a text's rows become one first, or null: a row for each token
 * @param steps   in order; the last one that is dense decides how many columns there are
 * @param last    how a text's rows become one behind the steps, or null
 */
public record HeadLayers(Pooling pooling, List<Step> steps, Pooling last) {

    /** A layer of a head. */
    public sealed interface Step {
        /** A product and its bias. */
        record Dense(Linear.Part part) implements Step {
        }

        /** An activation. */
        record Activate(Activation activation) implements Step {
        }

        /** A layer norm. */
        record Norm(LayerNorm norm) implements Step {
        }
    }

    /** Copies the list. */
    public HeadLayers {
        steps = List.copyOf(steps);
    }

    /** Of each text's pooled row. */
    public static HeadLayers of(Pooling pooling) {
        return new HeadLayers(pooling, List.of(), null);
    }

    /** Of the row of each text's first token. */
    public static HeadLayers first() {
        return of(Pooling.CLS);
    }

    /** Of each token's row. */
    public static HeadLayers tokens() {
        return of(null);
    }

    /** The same with a product. */
    public HeadLayers dense(Linear.Part part) {
        return with(new Step.Dense(part));
    }

    /** The same with an activation. */
    public HeadLayers activate(Activation activation) {
        return activation == Activation.NONE ? this : with(new Step.Activate(activation));
    }

    /** The same with a norm. */
    public HeadLayers norm(LayerNorm norm) {
        return with(new Step.Norm(norm));
    }

    /** The same, pooled behind all steps. */
    public HeadLayers pooledLast(Pooling kind) {
        return new HeadLayers(pooling, steps, kind);
    }

    private HeadLayers with(Step step) {
        List<Step> more = new ArrayList<>(steps);
        more.add(step);
        return new HeadLayers(pooling, more, last);
    }

    /** Columns of the result. */
    public int columns() {
        return steps.stream().filter(Step.Dense.class::isInstance).map(Step.Dense.class::cast)
                .mapToInt(dense -> Math.toIntExact(new Linear(dense.part).outFeatures())).reduce((first, last) -> last)
                .orElseThrow(() -> new IllegalArgumentException("a head without products"));
    }

    /** What follows the encoder. */
    public Head head() {
        int columns = columns();
        return new Head(columns, columns, pooling == null && last == null, (graph, hidden, sequences, maxSequences) -> {
            Port rows = add(graph, pooling == null ? hidden : graph.add("head.pool", pooling.op(false, maxSequences), hidden, sequences));
            return last == null ? rows : graph.add("head.last", last.op(false, maxSequences), rows, sequences);
        });
    }

    /** Adds the steps to rows F32 [rows, hiddenSize]. */
    public Port add(GraphBuilder graph, Port rows) {
        Port x = rows;
        for (Step step : steps) {
            x = switch (step) {
                case Step.Dense dense -> graph.add("head.dense", new Linear(dense.part), x);
                case Step.Activate activate -> graph.add("head.activation", new EltwiseOp(activate.activation), x);
                case Step.Norm norm -> graph.add("head.norm", norm.norm, x);
            };
        }
        return x;
    }
}
