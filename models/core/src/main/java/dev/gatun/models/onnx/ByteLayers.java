package dev.gatun.models.onnx;

import dev.gatun.tensor.op.Activation;
import java.util.Map;

/** Convolutions and products of what bytes are worth, by weights that keep their bytes: x, weights, their scales, zero points, bias. */
final class ByteLayers {
    static final String CONV = "gatun.ByteConv";
    static final String LINEAR = "gatun.ByteLinear";

    private ByteLayers() {
    }

    /** Whether what a step makes of constants is not to be made beforehand: a layer may take the bytes. */
    static boolean keeps(Program.Step step, OnnxValue[] values) {
        return Fusion.is(step, "DequantizeLinear") && values[step.inputs().getFirst().slot()] instanceof OnnxTensor t
                && t.rank() > 1 && (t.type() == OnnxType.UINT8 || t.type() == OnnxType.INT8);
    }

    /** Conv, MatMul or Gemm of two DequantizeLinear, the second of constants. */
    static Program.Step match(Fusion f, Program.Step step) {
        boolean conv = Fusion.is(step, "Conv");
        boolean gemm = Fusion.is(step, "Gemm");
        if (!conv && !gemm && !Fusion.is(step, "MatMul")) {
            return null;
        }
        Program.Step x = f.any(step.inputs().getFirst(), "DequantizeLinear");
        Program.Step w = f.any(step.inputs().get(1), "DequantizeLinear");
        Map<String, Object> a = step.attributes();
        OnnxTensor bytes = x == null || w == null || !ByteRules.isPlain(x) || !ByteRules.isPlain(w) ? null : f.constant(w.inputs()
                .getFirst());
        boolean plain = !gemm || a.getOrDefault("alpha", 1f).equals(1f) && a.getOrDefault("beta", 1f).equals(1f)
                && a.getOrDefault("transA", 0L).equals(0L);
        OnnxTensor scales = bytes == null ? null : f.constant(w.inputs().get(1));
        if (!plain || scales == null || scales.type() != OnnxType.FLOAT || !conv && bytes.rank() != 2) {
            return null;
        }
        int axis = conv || a.getOrDefault("transB", 0L).equals(1L) ? 0 : 1;
        long given = (Long) w.attributes().getOrDefault("axis", 1L);
        boolean fits = scales.size() == 1 || scales.rank() == 1 && scales.size() == bytes.dim(axis) && Math.floorMod(given, bytes.rank())
                == axis;
        Program.Ref zero = w.inputs().size() > 2 ? w.inputs().get(2) : Program.Ref.NONE;
        Program.Ref bias = step.inputs().size() > 2 ? step.inputs().get(2) : Program.Ref.NONE;
        OnnxTensor added = bias.slot() < 0 ? null : f.constant(bias);
        if (!fits || zero.slot() >= 0 && f.constant(zero) == null || bias.slot() >= 0 && (added == null || added.rank() != 1
                || added.size() != bytes.dim(axis))) {
            return null;
        }
        return f.replaced(step, conv ? CONV : LINEAR, c -> run(c, conv, axis), step.attributes(), step.inputs().getFirst(),
                w.inputs().getFirst(), w.inputs().get(1), zero, bias);
    }

    /** As it is written, where no region takes it: weights become floats once. */
    private static OnnxTensor run(Call c, boolean conv, int axis) {
        OnnxTensor w = c.in(1);
        Packed packed = c.natives().packed();
        OnnxTensor floats = !packed.isConstant(w) ? floats(c, axis, c.make(OnnxType.FLOAT, w.dims()))
                : packed.get(w, java.util.List.of("floats", c.in(2).segment().address()), arena -> {
                    OnnxTensor made = floats(c, axis, OnnxTensor.allocate(arena, OnnxType.FLOAT, w.dims()));
                    packed.constant(made);
                    return made;
                });
        if (conv) {
            return ConvOps.conv(c, c.in(0), floats, c.opt(4), Activation.NONE, null);
        }
        OnnxTensor y = ProductOps.matMul(c, c.in(0), axis == 0 ? ProductOps.swapped(c, floats) : floats, 1);
        return c.has(4) ? BinaryOps.real(c, y, c.in(4), Double::sum) : y;
    }

    private static OnnxTensor floats(Call c, int axis, OnnxTensor to) {
        OnnxTensor w = c.in(1);
        long inner = Call.product(w.dims(), axis + 1, w.rank());
        for (long i = 0; i < w.size(); i++) {
            long j = i / inner % w.dim(axis);
            long zero = c.has(3) ? c.in(3).whole(j % c.in(3).size()) : 0;
            to.put(i, (float) (w.whole(i) - zero) * (float) c.in(2).real(j % c.in(2).size()));
        }
        return to;
    }
}
