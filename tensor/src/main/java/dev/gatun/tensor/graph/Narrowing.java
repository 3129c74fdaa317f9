package dev.gatun.tensor.graph;

import dev.gatun.bindings.kernels.NarrowKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import java.util.List;

/**
 * What became of a linear or recurrent layer in a program of a narrow precision.
 *
 * @param layer its node
 * @param taken F32, BF16, F16 or INT8
 * @param lost  root of the mean square of what rounding changed in the weights of an output, as a share of their own, in INT8 of their
 *              median magnitude; over all outputs; 0 if nothing was tried
 * @param why   the rule that decided
 */
public record Narrowing(String layer, Precision taken, double lost, String why) {
    /** Layers of fewer outputs stay F32: heads of few classes cost nothing, and what they lose is not averaged by a layer that follows. */
    private static final long FEW_OUTPUTS = 16;

    /** Weights without outliers lose about 0.01 in int8; an output whose largest is far from the others loses more. */
    private static final double MOST_LOST = 0.1;

    /** Halves lose 0.002 or less, but F16 of weights that are too small for it. */
    private static final double MOST_LOST_IN_HALVES = 0.01;

    /** Before the weights are looked at: what to try; null of a node that is not of floats, linear or recurrent. */
    public static Narrowing choose(Node node, Precision wanted) {
        return switch (node.layer()) {
            case Linear linear when linear.isOfBytes() -> null;
            case Linear linear -> choose(node.name(), linear.parts().stream().map(Linear.Part::weight).toList(),
                    linear.parts().getFirst().in(), linear.outFeatures(), wanted);
            case Recurrent recurrent -> choose(node.name(), recurrent.matrices(), Math.max(recurrent.shape().inputSize(),
                    recurrent.shape().hidden()), recurrent.cell().gates() * recurrent.shape().hidden(), wanted);
            default -> null;
        };
    }

    private static Narrowing choose(String layer, List<Weight> weights, long deepest, long outputs, Precision wanted) {
        if (wanted == Precision.F32) {
            return new Narrowing(layer, Precision.F32, 0, "as asked");
        }
        if (wanted == Precision.AUTO) {
            DataType type = weights.getFirst().tensor().type();
            boolean same = weights.stream().allMatch(weight -> weight.tensor().type() == type);
            return same && type == DataType.F16 ? new Narrowing(layer, Precision.F16, 0, "as in the file")
                    : same && type == DataType.BF16 ? new Narrowing(layer, Precision.BF16, 0, "as in the file")
                    : new Narrowing(layer, Precision.F32, 0, "as in the file");
        }
        if (outputs < FEW_OUTPUTS) {
            return new Narrowing(layer, Precision.F32, 0, "fewer than " + FEW_OUTPUTS + " outputs");
        }
        if (wanted == Precision.INT8 && deepest > NarrowKernels.INT8_DEPTH) {
            return new Narrowing(layer, Precision.F32, 0, "more than " + NarrowKernels.INT8_DEPTH + " inputs");
        }
        return new Narrowing(layer, wanted, 0, "as asked");
    }

    /** Whether so small a loss is accepted; NaN is not. */
    static boolean keeps(Precision precision, double lost) {
        return lost <= most(precision);
    }

    private static double most(Precision precision) {
        return precision == Precision.INT8 ? MOST_LOST : MOST_LOST_IN_HALVES;
    }

    /** After it was tried. */
    Narrowing measured(double share) {
        return keeps(taken, share) ? new Narrowing(layer, taken, share, why)
                : new Narrowing(layer, Precision.F32, share, Double.isNaN(share) ? "weights that " + taken + " cannot hold"
                        : "loses more than " + most(taken) + " in " + taken);
    }
}
