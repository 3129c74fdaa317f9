package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.BytesKernels;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.op.Activation;
import java.util.List;
import java.util.Map;

/** Products whose left operand becomes bytes when they run: the pattern of {@code quantize_dynamic}, and how it is described. */
final class ByteRules {
    /** Operands in the order of com.microsoft's DynamicQuantizeMatMul: x, weight, its scales, its zero points, bias. */
    private static final String PRODUCT = "gatun.ByteProduct";

    private ByteRules() {
    }

    static void register() {
        Rules.one(PRODUCT, ByteRules::linear);
        Rules.one(Operators.MICROSOFT, "DynamicQuantizeMatMul", ByteRules::linear);
    }

    /** MatMulInteger of what DynamicQuantizeLinear gave, cast to FLOAT, times both scales, + a constant bias. */
    static Program.Step product(Fusion f, Program.Step step) {
        int bias = Fusion.is(step, "Add") ? f.constantSide(step) : -1;
        Program.Step scaled = bias < 0 ? step : f.only(Fusion.other(step, bias));
        for (int i = 0; i < 2 && Fusion.is(scaled, "Mul") && scaled.inputs().size() == 2; i++) {
            Program.Step cast = f.only(scaled.inputs().get(i), "Cast");
            Program.Step product = cast == null || !Long.valueOf(1).equals(cast.attributes().get("to")) ? null
                    : f.only(cast.inputs().getFirst(), "MatMulInteger");
            Program.Step scales = f.any(Fusion.other(scaled, i), "Mul");
            Program.Step source = product == null ? null : f.any(product.inputs().getFirst(), "DynamicQuantizeLinear");
            if (source == null || scales == null || product.inputs().size() < 3) {
                continue;
            }
            for (int j = 0; j < 2; j++) {
                Program.Ref weight = product.inputs().get(1);
                Program.Ref zeros = product.inputs().size() > 3 ? product.inputs().get(3) : Program.Ref.NONE;
                boolean same = isResult(source, 0, product.inputs().get(0)) && isResult(source, 1, scales.inputs().get(j))
                        && isResult(source, 2, product.inputs().get(2));
                if (same && fits(f, weight, Fusion.other(scales, j), zeros, bias < 0 ? Program.Ref.NONE : step.inputs().get(bias))) {
                    return f.replaced(step, PRODUCT, ByteRules::dynamic, Map.of(), source.inputs().getFirst(), weight,
                            Fusion.other(scales, j), zeros, bias < 0 ? Program.Ref.NONE : step.inputs().get(bias));
                }
            }
        }
        return null;
    }

    /** Whether a step quantizes in the plain way: no blocks, no types of its own. */
    static boolean isPlain(Program.Step step) {
        Map<String, Object> a = step.attributes();
        return a.getOrDefault("block_size", 0L).equals(0L) && a.getOrDefault("output_dtype", 0L).equals(0L) && !a.containsKey("precision");
    }

    private static boolean isResult(Program.Step step, int i, Program.Ref ref) {
        return ref.up() == 0 && i < step.outputs().length && step.outputs()[i] == ref.slot();
    }

    private static boolean fits(Fusion f, Program.Ref weight, Program.Ref scale, Program.Ref zero, Program.Ref bias) {
        OnnxTensor w = f.constant(weight);
        OnnxTensor scales = f.constant(scale);
        OnnxTensor zeros = f.constant(zero);
        OnnxTensor add = f.constant(bias);
        return w != null && w.rank() == 2 && w.size() > 0 && scales != null && isOneOrAll(scales, w.dim(1))
                && scales.type() == OnnxType.FLOAT && (zero.slot() < 0 || zeros != null && isOneOrAll(zeros, w.dim(1)))
                && (bias.slot() < 0 || add != null && add.rank() == 1 && add.size() == w.dim(1) && add.type() == OnnxType.FLOAT);
    }

    private static boolean isOneOrAll(OnnxTensor t, long n) {
        return t.rank() <= 1 && (t.size() == 1 || t.size() == n);
    }

    static OnnxTensor dynamic(Call c) {
        OnnxTensor[] a = QuantOps.dynamic(c, c.in(0));
        return QuantOps.scaled(c, QuantOps.matMulInteger(c, a[0], c.in(1), a[2], c.opt(3)), a[1], c.in(2), c.opt(4));
    }

    private static Val linear(Site s) {
        OnnxTensor w = s.bytes(1);
        OnnxTensor zeros = s.bytes(3);
        Val x = s.x(0);
        if (w == null || w.rank() != 2 || w.dim(0) > BytesKernels.DEPTH || x.dims.length == 0 || x.dim(-1) != w.dim(0)
                || s.has(3) && (zeros == null || zeros.type() != w.type() || !isOneOrAll(zeros, w.dim(1)))
                || s.constant(2) == null || !isOneOrAll(s.constant(2), w.dim(1)) || s.has(4) && s.weight(4, w.dim(1)) == null) {
            return null;
        }
        Region r = s.region();
        Linear.Bytes bytes = new Linear.Bytes(r.weight(s.constant(2), s.constant(2).size()),
                zeros == null ? null : r.weight(zeros, zeros.size()));
        Linear.Part part = new Linear.Part(r.weight(w, w.dims()), true, s.has(4) ? s.weight(4, w.dim(1)) : null, bytes);
        long[] dims = x.dims.clone();
        dims[dims.length - 1] = w.dim(1);
        return Rules.linear(r, x, new Linear(List.of(part), Activation.NONE, 1f, false), dims, null);
    }
}
