package dev.gatun.models.onnx;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.BatchNorm;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FunctionOp;
import dev.gatun.tensor.op.SoftmaxOp;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** How operators over FLOAT are described in Gatun's: element by element, products, norms, moves. */
final class Rules {
    private static final Map<String, Site.Rule> ALL = new HashMap<>();

    static {
        for (String move : new String[] {"Transpose", "Slice", "Split", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity",
                "DepthToSpace", "SpaceToDepth", "Expand"}) {
            ALL.put(":" + move, Rules::moved);
        }
        for (String function : new String[] {"Relu", "Tanh", "Sigmoid", "HardSwish", "gatun.Activation", "Gelu"}) {
            one(function, s -> {
                Activation activation = Fusion.activation(s.call().step());
                Val late = QuantRules.function(s, activation);
                if (late == null && s.x(0).dims.length == 0) {
                    return null;
                }
                return late != null ? late : function(s.region(), s.x(0), activation);
            });
        }
        one("Mish", s -> function(s.region(), s.x(0), Activation.MISH));
        one("HardSigmoid", Rules::hardSigmoid);
        one("Gather", Rules::gather);
        one("Clip", Rules::clip);
        one("LeakyRelu", s -> function(s.region(), s.x(0), new FunctionOp(FunctionOp.Kind.LEAKY, s.call().f("alpha", 0.01), 0)));
        one("Elu", s -> function(s.region(), s.x(0), new FunctionOp(FunctionOp.Kind.ELU, s.call().f("alpha", 1), 0)));
        one("Sqrt", s -> function(s.region(), s.x(0), new FunctionOp(FunctionOp.Kind.SQRT, 0, 0)));
        one("Pow", s -> s.number(1) == 2 && s.fixed(1).rank() <= s.x(0).dims.length
                ? binary(s.region(), BinaryOp.Operator.MUL, s.x(0), s.x(0)) : null);
        one("Add", s -> binary(s, BinaryOp.Operator.ADD));
        one("Sub", s -> binary(s, BinaryOp.Operator.SUB));
        one("Mul", s -> binary(s, BinaryOp.Operator.MUL));
        one("Div", s -> binary(s, BinaryOp.Operator.DIV));
        one("Neg", s -> times(s.region(), s.x(0), -1));
        one("gatun.Linear", Rules::linear);
        one("Gemm", Rules::gemm);
        one("MatMul", s -> s.constant(1) != null && s.constant(1).rank() == 2 ? linear(s) : AttentionRule.product(s));
        one("Softmax", Rules::softmax);
        one("gatun.Attend", AttentionRule::attend);
        one("LayerNormalization", Rules::layerNorm);
        one("gatun.LayerNorm", Rules::layerNorm);
        one("RMSNormalization", Rules::layerNorm);
        one("gatun.RmsNorm", Rules::layerNorm);
        one("Cast", s -> s.call().i("to", 0) == 1 ? s.x(0) : null);
        one("BatchNormalization", Rules::batchNorm);
        PictureRules.register();
        ByteRules.register();
        QuantRules.register();
    }

    private Rules() {
    }

    static void one(String op, Site.One rule) {
        one("", op, rule);
    }

    static void one(String domain, String op, Site.One rule) {
        ALL.put(domain + ":" + op, site -> {
            Val y = rule.describe(site);
            return y == null ? null : new Val[] {y};
        });
    }

    static Site.Rule find(Program.Step step) {
        return ALL.get(step.node().domain() + ":" + step.node().op());
    }

    /** Kernels of what only moves elements are asked what they would show. */
    private static Val[] moved(Site s) {
        Val.Worth worth = s.worth(0);
        if (worth != null) {
            Val[] bytes = moved(s, worth.bytes(), true);
            if (bytes != null) {
                Arrays.setAll(bytes, i -> QuantRules.worth(s.region(), bytes[i], new QuantRules.Scale(worth.scale(), worth.type(),
                        worth.zero())));
                return bytes;
            }
        } else if (s.region().type(s.any(0)) != DataType.F32) {
            return moved(s, s.any(0), true);
        }
        Val x = s.x(0);
        return moved(s, x.scores == null ? x : Val.dense(s.region().port(x), x.dims), false);
    }

    private static Val[] moved(Site s, Val x, boolean bytes) {
        OnnxValue[] operands = new OnnxValue[s.call().inputCount()];
        for (int i = 1; i < operands.length; i++) {
            operands[i] = s.fixed(i);
        }
        operands[0] = s.region().standIn(x);
        OnnxValue[] results = s.call().step().kernel().run(s.call().with(operands));
        Val[] vals = new Val[results.length];
        for (int i = 0; i < vals.length; i++) {
            OnnxTensor y = (OnnxTensor) results[i];
            if (y.size() == 0) {
                return null;
            }
            vals[i] = s.region().meant(y);
            if (bytes && !vals[i].isDense(x.size())) {
                return null;
            }
            if (vals[i].scores == null && vals[i].forward() == null) {
                vals[i] = s.call().op().equals("Expand") ? repeated(s.region(), x, vals[i].dims) : null;
                if (vals[i] == null) {
                    return null;
                }
            }
        }
        return vals;
    }

    /** One row of a dimension, which is gone from the result. */
    private static Val gather(Site s) {
        OnnxTensor index = s.fixed(1);
        Val x = s.x(0).scores == null ? s.x(0) : Val.dense(s.region().port(s.x(0)), s.x(0).dims);
        if (index == null || index.rank() != 0) {
            return null;
        }
        int rank = x.dims.length;
        int axis = s.call().axis("axis", 0, rank);
        long[] dims = x.dims.clone();
        long[] strides = Walk.dense(dims);
        long at = GatherOps.index(index.whole(0), dims[axis]);
        dims[axis] = 1;
        Val row = x.strided(dims, at * strides[axis], strides);
        long[] left = new long[rank - 1];
        for (int i = 0; i < left.length; i++) {
            left[i] = dims[i < axis ? i : i + 1];
        }
        return left.length == 0 ? null : s.region().reshape(row, left);
    }

    /** Repeated along dimensions of 1. */
    static Val repeated(Region r, Val x, long... dims) {
        return x.dims.length > dims.length ? null : binary(r, BinaryOp.Operator.ADD, Val.dense(r.floats(0, dims), dims), x);
    }

    static Val function(Region r, Val x, Activation activation) {
        return activation == Activation.NONE ? x
                : Val.dense(r.add(activation.name(), new EltwiseOp(activation), r.few(r.anyPort(x))), x.dims);
    }

    static Val function(Region r, Val x, FunctionOp function) {
        return Val.dense(r.add("function", function, r.few(r.anyPort(x))), x.dims);
    }

    private static Val clip(Site s) {
        boolean old = s.call().version() < 11;
        float low = old ? s.call().f("min", -Float.MAX_VALUE) : s.has(1) ? s.number(1) : -Float.MAX_VALUE;
        float high = old ? s.call().f("max", Float.MAX_VALUE) : s.has(2) ? s.number(2) : Float.MAX_VALUE;
        Val late = QuantRules.within(s, low == -Float.MAX_VALUE ? Float.NEGATIVE_INFINITY : low, high == Float.MAX_VALUE
                ? Float.POSITIVE_INFINITY : high);
        if (late != null) {
            return late;
        }
        if (low == 0 && high == 6) {
            return function(s.region(), s.x(0), Activation.RELU6);
        }
        return low <= high ? function(s.region(), s.x(0), new FunctionOp(FunctionOp.Kind.CLIP, low, high)) : null;
    }

    /** relu6(alpha * 6 * x + beta * 6) / 6. */
    private static Val hardSigmoid(Site s) {
        Region r = s.region();
        Val x = s.x(0).times(6 * s.call().f("alpha", 0.2));
        Port port = r.few(r.anyPort(x == null ? s.x(0) : x));
        long[] ones = new long[r.dims(port).length];
        Arrays.fill(ones, 1);
        Port sum = r.add("shift", new BinaryOp(BinaryOp.Operator.ADD, Activation.RELU6), port, r.floats(6 * s.call().f("beta", 0.5), ones));
        return x == null ? null : Val.dense(sum, s.x(0).dims).times(1 / 6f);
    }

    static Val binary(Site s, BinaryOp.Operator op) {
        Val late = QuantRules.binary(s, op);
        if (late != null) {
            return late;
        }
        Val a = s.x(0);
        Val b = s.x(1);
        long[] dims = Walk.broadcast(a.dims, b.dims);
        boolean first = Arrays.equals(dims, a.dims);
        boolean second = Arrays.equals(dims, b.dims);
        boolean product = op == BinaryOp.Operator.MUL;
        if (first && !Float.isNaN(s.number(1)) && (product || op == BinaryOp.Operator.DIV && s.number(1) != 0)) {
            return times(s.region(), a, product ? s.number(1) : 1 / s.number(1));
        }
        if (second && product && !Float.isNaN(s.number(0))) {
            return times(s.region(), b, s.number(0));
        }
        Val masked = op != BinaryOp.Operator.ADD ? null : a.scores != null ? AttentionRule.masked(s.region(), a, b)
                : AttentionRule.masked(s.region(), b, a);
        if (masked != null) {
            return masked;
        }
        if (!first && second && op != BinaryOp.Operator.DIV) {
            Val turned = op == BinaryOp.Operator.SUB ? times(s.region(), b, -1) : b;
            return binary(s.region(), op == BinaryOp.Operator.SUB ? BinaryOp.Operator.ADD : op, turned, a);
        }
        return first ? binary(s.region(), op, a, b) : null;
    }

    static Val times(Region r, Val x, float by) {
        Val scaled = x.times(by);
        return scaled != null ? scaled : Val.dense(r.port(x), x.dims).times(by);
    }

    /** Of a's dimensions. */
    static Val binary(Region r, BinaryOp.Operator op, Val a, Val b) {
        Port y = a.dims.length == 0 ? null : r.binary(op, a, b);
        return y == null ? null : Val.dense(y, a.dims);
    }

    /** activation(x W + bias) + residual. */
    private static Val linear(Site s) {
        OnnxTensor w = s.constant(1);
        Val x = s.x(0);
        if (w == null || w.rank() != 2 || x.dims.length == 0 || x.dim(-1) != w.dim(0)) {
            return null;
        }
        Activation activation = (Activation) s.call().step().attributes().getOrDefault("activation", Activation.NONE);
        Weight bias = s.weight(2, w.dim(1));
        if (s.has(2) && bias == null) {
            return null;
        }
        long[] dims = x.dims.clone();
        dims[dims.length - 1] = w.dim(1);
        Val residual = s.has(3) ? s.x(3) : null;
        return linear(s.region(), x, new Linear(List.of(new Linear.Part(s.region().weight(w, w.dims()), true, bias)), activation, 1f,
                false), dims, residual);
    }

    static Val linear(Region r, Val x, Linear linear, long[] dims, Val residual) {
        boolean adds = residual != null && Arrays.equals(residual.dims, dims);
        Port rows = r.rows(x);
        long m = r.dims(rows)[0];
        long columns = linear.outFeatures();
        r.countRows(m);
        Port y = adds ? r.add("linear", linear.withResidual(), m * columns * x.dim(-1), rows, r.port(residual, m, columns))
                : r.add("linear", linear, m * columns * x.dim(-1), rows);
        Val result = Val.dense(y, dims);
        if (residual == null || adds) {
            return result;
        }
        return Arrays.equals(Walk.broadcast(dims, residual.dims), dims) ? binary(r, BinaryOp.Operator.ADD, result, residual) : null;
    }

    private static Val gemm(Site s) {
        Call c = s.call();
        OnnxTensor w = s.constant(1);
        Val x = s.x(0);
        if (w == null || w.rank() != 2 || x.dims.length != 2 || c.f("alpha", 1) != 1 || s.has(2) && c.f("beta", 1) != 1) {
            return null;
        }
        Val a = c.flag("transA") ? x.swapped() : x;
        boolean inOut = !c.flag("transB");
        long n = w.dim(inOut ? 1 : 0);
        Weight bias = s.weight(2, n);
        if (a == null || a.dim(1) != w.dim(inOut ? 0 : 1) || s.has(2) && bias == null) {
            return null;
        }
        Linear.Part part = new Linear.Part(s.region().weight(w, w.dims()), inOut, bias);
        return linear(s.region(), a, new Linear(part), new long[] {a.dim(0), n}, null);
    }

    private static Val softmax(Site s) {
        Val x = s.x(0);
        int rank = x.dims.length;
        boolean old = s.call().version() < 13;
        int axis = s.call().axis("axis", old ? 1 : -1, rank);
        if (old && axis != rank - 1 && Call.product(x.dims, axis + 1, rank) != 1) {
            return null;
        }
        if (axis == rank - 1 && x.scores != null && !x.scores.softmax() && x.made == null) {
            return Val.product(new Val.Scores(x.scores.a(), x.scores.b(), x.scores.scale(), x.scores.mask(), true), x.dims);
        }
        long inner = Call.product(x.dims, axis + 1, rank);
        Port rows = s.region().plain(x, x.size() / inner / x.dim(axis), x.dim(axis), inner);
        return Val.dense(s.region().add("softmax", new SoftmaxOp(1, false), rows), x.dims);
    }

    private static Val layerNorm(Site s) {
        Val x = s.x(0);
        int rank = x.dims.length;
        if (rank == 0 || s.call().axis("axis", -1, rank) != rank - 1 || s.call().wants(1) || s.call().wants(2)) {
            return null;
        }
        Weight gamma = s.weight(1, x.dim(-1));
        Weight beta = s.weight(2, x.dim(-1));
        if (gamma == null || s.has(2) && beta == null) {
            return null;
        }
        boolean rms = s.call().op().startsWith("RMS") || s.call().op().equals("gatun.RmsNorm");
        LayerNorm norm = new LayerNorm(gamma, beta, s.call().f("epsilon", 1e-5), rms, 0f);
        return Val.dense(s.region().add("norm", norm, 0, s.region().rows(x)), x.dims);
    }

    private static Val batchNorm(Site s) {
        Val x = s.x(0);
        Weight[] p = new Weight[4];
        for (int i = 0; i < 4; i++) {
            p[i] = x.dims.length < 3 || x.dims.length > 4 ? null : s.weight(i + 1, x.dim(1));
            if (p[i] == null || s.call().flag("training_mode") || s.call().wants(1)) {
                return null;
            }
        }
        BatchNorm norm = new BatchNorm(p[0], p[1], p[2], p[3], s.call().f("epsilon", 1e-5));
        return Val.dense(s.region().add("norm", norm, 0, s.region().port(x)), x.dims);
    }

    static Port apply(Region r, String name, dev.gatun.tensor.op.Op op, Val x) {
        return r.add(name, new Apply(op), 0, r.port(x));
    }
}
