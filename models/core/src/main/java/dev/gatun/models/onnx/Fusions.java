package dev.gatun.models.onnx;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.weights.LinearWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;

/** The patterns of {@link Fusion}, and the kernels that compute them. */
final class Fusions {
    private Fusions() {
    }

    /** Factors of a tree of products that only this tree reads. */
    private static void factors(Fusion f, Program.Step step, List<Program.Ref> to) {
        for (Program.Ref ref : step.inputs()) {
            Program.Step inner = f.only(ref, "Mul");
            if (inner != null && to.size() < 8) {
                factors(f, inner, to);
            } else {
                to.add(ref);
            }
        }
    }

    /** x * 0.5 * (1 + erf(x / sqrt 2)) or x * 0.5 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), factors in any order. */
    static Program.Step gelu(Fusion f, Program.Step step) {
        if (!Fusion.is(step, "Mul")) {
            return null;
        }
        List<Program.Ref> factors = new ArrayList<>();
        factors(f, step, factors);
        if (factors.size() != 3 || !factors.removeIf(r -> f.isNumber(r, 0.5))) {
            return null;
        }
        for (int i = 0; i < factors.size() && factors.size() == 2; i++) {
            Program.Ref x = factors.get(1 - i);
            Program.Step sum = f.only(factors.get(i), "Add");
            int one = sum == null ? -1 : f.constantSide(sum);
            if (one < 0 || !f.isNumber(sum.inputs().get(one), 1)) {
                continue;
            }
            Program.Step erf = f.only(Fusion.other(sum, one), "Erf");
            Program.Step tanh = f.only(Fusion.other(sum, one), "Tanh");
            if (erf != null && scaled(f, erf.inputs().getFirst(), x, Math.sqrt(0.5))) {
                return activation(f, step, x, Activation.GELU_ERF);
            }
            if (tanh != null && cubic(f, tanh.inputs().getFirst(), x)) {
                return activation(f, step, x, Activation.GELU_TANH);
            }
        }
        return null;
    }

    private static boolean scaled(Fusion f, Program.Ref ref, Program.Ref x, double by) {
        Program.Step step = f.only(ref);
        if (Fusion.is(step, "Div")) {
            return step.inputs().getFirst().equals(x) && f.isNumber(step.inputs().get(1), 1 / by);
        }
        int side = Fusion.is(step, "Mul") ? f.constantSide(step) : -1;
        return side >= 0 && Fusion.other(step, side).equals(x) && f.isNumber(step.inputs().get(side), by);
    }

    /** sqrt(2 / pi) * (x + 0.044715 * x^3). */
    private static boolean cubic(Fusion f, Program.Ref ref, Program.Ref x) {
        Program.Step product = f.only(ref, "Mul");
        int side = product == null ? -1 : f.constantSide(product);
        if (side < 0 || !f.isNumber(product.inputs().get(side), Math.sqrt(2 / Math.PI))) {
            return false;
        }
        Program.Step sum = f.only(Fusion.other(product, side), "Add");
        int at = sum == null ? -1 : sum.inputs().indexOf(x);
        Program.Step term = at < 0 ? null : f.only(Fusion.other(sum, at), "Mul");
        int factor = term == null ? -1 : f.constantSide(term);
        if (factor < 0 || !f.isNumber(term.inputs().get(factor), 0.044715)) {
            return false;
        }
        Program.Step cube = f.only(Fusion.other(term, factor), "Pow");
        return cube != null && cube.inputs().getFirst().equals(x) && f.isNumber(cube.inputs().get(1), 3);
    }

    /** x * sigmoid(x), x * hardsigmoid(x), and min(max(x, 0), 6). */
    static Program.Step silu(Fusion f, Program.Step step) {
        if (Fusion.is(step, "Clip") && step.inputs().size() == 3 && f.constant(step.inputs().get(1)) != null
                && f.isNumber(step.inputs().get(2), 6)
                && f.constant(step.inputs().get(1)).size() == 1 && f.constant(step.inputs().get(1)).real(0) == 0
                && f.constant(step.inputs().get(1)).type().isReal()) {
            return activation(f, step, step.inputs().getFirst(), Activation.RELU6);
        }
        for (int i = 0; i < 2 && Fusion.is(step, "Mul"); i++) {
            Program.Ref x = Fusion.other(step, i);
            Program.Step gate = f.only(step.inputs().get(i));
            if (Fusion.is(gate, "Sigmoid") && gate.inputs().getFirst().equals(x)) {
                return activation(f, step, x, Activation.SILU);
            }
            if (Fusion.is(gate, "HardSigmoid") && gate.inputs().getFirst().equals(x)
                    && gate.attributes().get("alpha") instanceof Float alpha
                    && Math.abs(alpha - 1f / 6) < 1e-6 && gate.attributes().getOrDefault("beta", 0.5f).equals(0.5f)) {
                return activation(f, step, x, Activation.HARDSWISH);
            }
        }
        return null;
    }

    private static Program.Step activation(Fusion f, Program.Step step, Program.Ref x, Activation activation) {
        return f.replaced(step, "gatun.Activation", c -> activated(c, c.in(0), activation), Map.of("activation", activation), x);
    }

    static OnnxTensor activated(Call c, OnnxTensor x, Activation activation) {
        if (activation == Activation.NONE) {
            return x;
        }
        if (x.type() == OnnxType.FLOAT && x.size() >= ProductOps.SMALL && c.natives().ready()) {
            return c.natives().run(c, List.of(c.step(), "activation", x.size()), new Tensor[] {x.tensor(x.size())},
                    (p, in) -> p.add(new EltwiseOp(activation), in[0]), x.dims());
        }
        return ElementOps.real(c, x, function(activation));
    }

    static DoubleUnaryOperator function(Activation activation) {
        return switch (activation) {
            case RELU -> v -> Math.max(v, 0);
            case GELU_ERF -> ActivationOps::gelu;
            case GELU_TANH -> ActivationOps::geluTanh;
            case SILU -> v -> v * ActivationOps.sigmoid(v);
            case RELU6 -> v -> Math.max(0, Math.min(6, v));
            case HARDSWISH -> v -> v * Math.max(0, Math.min(1, v / 6 + 0.5));
            case TANH -> Math::tanh;
            case SIGMOID -> ActivationOps::sigmoid;
            case RELU2 -> v -> Math.max(v, 0) * Math.max(v, 0);
            case QUICK_GELU -> v -> v * ActivationOps.sigmoid(1.702 * v);
            case MISH -> v -> v * Math.tanh(Math.log1p(Math.exp(v)));
            case NONE -> v -> v;
        };
    }

    /** (x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps) * gamma + beta over the last dimension. */
    static Program.Step layerNorm(Fusion f, Program.Step step) {
        int beta = Fusion.is(step, "Add") ? f.constantSide(step) : -1;
        Program.Step product = beta < 0 ? null : f.only(Fusion.other(step, beta), "Mul");
        int gamma = product == null ? -1 : f.constantSide(product);
        Program.Step div = gamma < 0 ? null : f.only(Fusion.other(product, gamma), "Div");
        Program.Step sub = div == null ? null : f.any(div.inputs().getFirst(), "Sub");
        Program.Step root = div == null ? null : f.only(div.inputs().get(1), "Sqrt");
        Program.Step sum = root == null ? null : f.only(root.inputs().getFirst(), "Add");
        int eps = sum == null || sub == null ? -1 : f.constantSide(sum);
        Program.Step variance = eps < 0 || f.number(sum.inputs().get(eps)) == null ? null
                : f.only(Fusion.other(sum, eps), "ReduceMean");
        if (variance == null || !lastAxis(f, variance)) {
            return null;
        }
        Program.Step square = f.only(variance.inputs().getFirst());
        Program.Step other = isSquare(f, square) ? f.any(square.inputs().getFirst(), "Sub") : null;
        Program.Step mean = f.any(sub.inputs().get(1), "ReduceMean");
        Program.Ref x = sub.inputs().getFirst();
        if (other == null || !other.inputs().equals(sub.inputs()) || mean == null || !lastAxis(f, mean)
                || !mean.inputs().getFirst().equals(x)) {
            return null;
        }
        OnnxTensor scale = f.constant(product.inputs().get(gamma));
        OnnxTensor shift = f.constant(step.inputs().get(beta));
        if (scale.rank() != 1 || shift.rank() != 1 || scale.size() != shift.size() || scale.size() < 2) {
            return null;
        }
        double epsilon = f.constant(sum.inputs().get(eps)).real(0);
        return f.replaced(step, "gatun.LayerNorm", c ->
                (OnnxTensor) NormOps.layer(c, c.in(0), c.in(1), c.in(2), c.in(0).rank() - 1, epsilon)[0],
                Map.of("epsilon", (float) epsilon), x, product.inputs().get(gamma), step.inputs().get(beta));
    }

    /** x / sqrt(mean(x^2) + eps) * gamma over the last dimension; the quotient may be a product, and be cast to FLOAT where x was, too. */
    static Program.Step rmsNorm(Fusion f, Program.Step step) {
        int gamma = Fusion.is(step, "Mul") ? f.constantSide(step) : -1;
        Program.Step inner = gamma < 0 || f.constant(step.inputs().get(gamma)).rank() != 1 ? null : f.only(Fusion.other(step, gamma));
        boolean cast = isFloatCast(inner);
        inner = cast ? f.only(inner.inputs().getFirst()) : inner;
        for (int i = 0; i < 2 && (Fusion.is(inner, "Div") || Fusion.is(inner, "Mul")); i++) {
            Program.Ref x = inner.inputs().get(i);
            Program.Step root = f.only(Fusion.other(inner, i));
            if (Fusion.is(inner, "Mul")) {
                root = Fusion.is(root, "Reciprocal") ? f.only(root.inputs().getFirst(), "Sqrt")
                        : Fusion.is(root, "Div") && f.isNumber(root.inputs().getFirst(), 1) ? f.only(root.inputs().get(1), "Sqrt") : null;
            } else if (i == 1) {
                return null;
            }
            Program.Step sum = Fusion.is(root, "Sqrt") ? f.only(root.inputs().getFirst(), "Add") : null;
            int eps = sum == null ? -1 : f.constantSide(sum);
            Program.Step mean = eps < 0 || f.number(sum.inputs().get(eps)) == null ? null
                    : f.only(Fusion.other(sum, eps), "ReduceMean");
            Program.Step square = mean == null || !lastAxis(f, mean) ? null : f.only(mean.inputs().getFirst());
            if (isSquare(f, square) && square.inputs().getFirst().equals(x) && (!cast || isFloatCast(f.any(x)))) {
                double epsilon = f.constant(sum.inputs().get(eps)).real(0);
                return f.replaced(step, "gatun.RmsNorm", c -> NormOps.rms(c, c.in(0), c.in(1), c.in(0).rank() - 1, epsilon, null),
                        Map.of("epsilon", (float) epsilon), x, step.inputs().get(gamma));
            }
        }
        return null;
    }

    /** softmax(scores) V, zeros where a softmax is no number: all its keys are hidden. */
    static Program.Step attend(Fusion f, Program.Step step) {
        Program.Step where = Fusion.is(step, "MatMul") ? f.only(step.inputs().getFirst(), "Where") : null;
        Program.Step nan = where == null || !f.isNumber(where.inputs().get(1), 0) ? null : f.only(where.inputs().getFirst(), "IsNaN");
        Program.Step softmax = nan == null ? null : f.any(where.inputs().get(2), "Softmax");
        boolean fits = softmax != null && nan.inputs().getFirst().equals(where.inputs().get(2)) && softmax.version() >= 13
                && softmax.attributes().getOrDefault("axis", -1L).equals(-1L);
        return !fits ? null : f.replaced(step, "gatun.Attend", c -> {
            OnnxTensor p = SoftmaxOps.softmax(c.with(c.in(0)), false);
            OnnxTensor zeroed = ElementOps.real(c, p, v -> Double.isNaN(v) ? 0 : v);
            c.memory().drop(p);
            return ProductOps.matMul(c, zeroed, c.in(1), 1);
        }, Map.of("axis", -1L), softmax.inputs().getFirst(), step.inputs().get(1));
    }

    private static boolean isFloatCast(Program.Step step) {
        return Fusion.is(step, "Cast") && Long.valueOf(1).equals(step.attributes().get("to"));
    }

    private static boolean isSquare(Fusion f, Program.Step step) {
        return Fusion.is(step, "Pow") && f.isNumber(step.inputs().get(1), 2)
                || Fusion.is(step, "Mul") && step.inputs().get(0).equals(step.inputs().get(1));
    }

    private static boolean lastAxis(Fusion f, Program.Step reduce) {
        long[] axes = reduce.attributes().get("axes") instanceof long[] a ? a
                : reduce.inputs().size() > 1 && f.constant(reduce.inputs().get(1)) != null ? f.constant(reduce.inputs().get(1)).longs()
                        : null;
        return axes != null && axes.length == 1 && axes[0] == -1 && reduce.attributes().getOrDefault("keepdims", 1L).equals(1L);
    }

    /** activation(x W + bias) + residual, from its last node; W and bias are constant. */
    static Program.Step linear(Fusion f, Program.Step step) {
        Program.Step last = step;
        Program.Ref residual = null;
        Activation activation = Fusion.activation(step);
        Program.Step inner = activation == Activation.NONE ? step : f.only(step.inputs().getFirst());
        if (Fusion.is(step, "Add") && f.constantSide(step) < 0) {
            for (int i = 0; i < 2 && residual == null; i++) {
                Program.Step candidate = f.only(step.inputs().get(i));
                Program.Step product = core(f, candidate);
                if (product != null) {
                    residual = Fusion.other(step, i);
                    inner = candidate;
                }
            }
            if (residual == null) {
                return null;
            }
        }
        Program.Step product = core(f, inner);
        if (product == null || product == step) {
            return null;
        }
        Program.Ref bias = product == inner ? null : inner.inputs().get(f.constantSide(inner));
        Program.Ref none = Program.Ref.NONE;
        return f.replaced(last, "gatun.Linear", c -> product(c, activation), Map.of("activation", activation), product.inputs().get(0),
                product.inputs().get(1),
                bias == null ? none : bias, residual == null ? none : residual);
    }

    /** The product by a constant matrix, with or without a constant bias. */
    private static Program.Step core(Fusion f, Program.Step step) {
        Program.Step product = step;
        if (Fusion.is(step, "Add") && f.constantSide(step) >= 0) {
            OnnxTensor bias = f.constant(step.inputs().get(f.constantSide(step)));
            product = f.only(Fusion.other(step, f.constantSide(step)));
            if (!Fusion.is(product, "MatMul") || bias.rank() != 1 || f.constant(product.inputs().get(1)) == null
                    || bias.size() != f.constant(product.inputs().get(1)).dim(-1)) {
                return null;
            }
        }
        OnnxTensor weight = Fusion.is(product, "MatMul") ? f.constant(product.inputs().get(1)) : null;
        return weight != null && weight.rank() == 2 && weight.type() == OnnxType.FLOAT && weight.size() > 0 ? product : null;
    }

    private static OnnxTensor product(Call c, Activation activation) {
        OnnxTensor x = c.in(0);
        OnnxTensor w = c.in(1);
        OnnxTensor bias = c.opt(2);
        OnnxTensor residual = c.opt(3);
        long rows = x.rank() == 0 || x.dim(-1) == 0 ? 0 : x.size() / x.dim(-1);
        c.require(x.rank() >= 1 && x.dim(-1) == w.dim(0), "K differs");
        long[] dims = x.dims();
        dims[dims.length - 1] = w.dim(1);
        if (x.type() == OnnxType.FLOAT && rows * w.size() >= ProductOps.SMALL && c.natives().ready()) {
            LinearWeights weights = ProductOps.packed(c, w, bias, false);
            boolean adds = residual != null && residual.type() == OnnxType.FLOAT && java.util.Arrays.equals(residual.dims(), dims);
            Tensor[] operands = adds ? new Tensor[] {x.tensor(rows, w.dim(0)), residual.tensor(rows, w.dim(1))}
                    : new Tensor[] {x.tensor(rows, w.dim(0))};
            OnnxTensor y = c.natives().run(c, List.of(c.step(), weights, rows, adds), operands, (p, in) ->
                    p.add(new LinearOp(weights, activation, 1f, adds), in), dims);
            return residual == null || adds ? y : BinaryOps.real(c, y, residual, Double::sum);
        }
        OnnxTensor y = ProductOps.matMul(c, x, w, 1);
        y = activated(c, bias == null ? y : BinaryOps.real(c, y, bias, Double::sum), activation);
        return residual == null ? y : BinaryOps.real(c, y, residual, Double::sum);
    }

    /** Batch norms of constants go into the weights of the convolution before them. */
    static Program.Step batchNorm(Fusion f, Program.Step step) {
        Program.Step conv = Fusion.is(step, "BatchNormalization") && step.outputs().length == 1 ? f.only(step.inputs().getFirst(), "Conv")
                : null;
        if (conv == null || step.attributes().getOrDefault("training_mode", 0L).equals(1L)) {
            return null;
        }
        OnnxTensor[] p = new OnnxTensor[4];
        OnnxTensor w = f.constant(conv.inputs().get(1));
        boolean biased = conv.inputs().size() > 2 && conv.inputs().get(2).slot() >= 0;
        OnnxTensor bias = biased ? f.constant(conv.inputs().get(2)) : null;
        for (int i = 0; i < 4; i++) {
            p[i] = f.constant(step.inputs().get(i + 1));
            if (p[i] == null || w == null || w.type() != OnnxType.FLOAT || p[i].size() != w.dim(0) || biased && bias == null) {
                return null;
            }
        }
        double epsilon = (Float) step.attributes().getOrDefault("epsilon", 1e-5f);
        OnnxTensor folded = f.memory().make(OnnxType.FLOAT, w.dims());
        OnnxTensor shift = f.memory().make(OnnxType.FLOAT, w.dim(0));
        long each = w.size() / Math.max(1, w.dim(0));
        for (long ch = 0; ch < w.dim(0); ch++) {
            double by = p[0].real(ch) / Math.sqrt(p[3].real(ch) + epsilon);
            shift.put(ch, p[1].real(ch) + ((bias == null ? 0 : bias.real(ch)) - p[2].real(ch)) * by);
            for (long i = 0; i < each; i++) {
                folded.put(ch * each + i, w.real(ch * each + i) * by);
            }
        }
        return f.conv(step, conv, conv.inputs().get(0), f.newConstant(folded), f.newConstant(shift), Program.Ref.NONE, Activation.NONE);
    }

    /** activation(conv + residual), from its last node. */
    static Program.Step conv(Fusion f, Program.Step step) {
        Activation activation = Fusion.activation(step);
        Program.Step inner = activation == Activation.NONE ? step : f.only(step.inputs().getFirst());
        Program.Ref residual = Program.Ref.NONE;
        if (Fusion.is(inner, "Add") && inner.inputs().size() == 2) {
            for (int i = 0; i < 2; i++) {
                Program.Step candidate = f.only(inner.inputs().get(i), "Conv");
                if (candidate != null && candidate.inputs().size() < 4) {
                    residual = Fusion.other(inner, i);
                    inner = candidate;
                    break;
                }
            }
        }
        if (!Fusion.is(inner, "Conv") || inner == step || inner.inputs().size() > 3) {
            return null;
        }
        Program.Ref bias = inner.inputs().size() > 2 ? inner.inputs().get(2) : Program.Ref.NONE;
        return f.conv(step, inner, inner.inputs().get(0), inner.inputs().get(1), bias, residual, activation);
    }
}
