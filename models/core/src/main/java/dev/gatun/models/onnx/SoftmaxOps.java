package dev.gatun.models.onnx;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.SoftmaxOp;
import java.util.List;

/** Softmax, its logarithm, and Hardmax. Before opset 13 all dimensions from the axis on are one. */
final class SoftmaxOps {
    private SoftmaxOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Softmax" -> Operators.one(c -> softmax(c, false));
            case "LogSoftmax" -> Operators.one(c -> softmax(c, true));
            case "Hardmax" -> Operators.one(SoftmaxOps::hardmax);
            default -> null;
        };
    }

    /** How the operand is seen: [outer, n, inner]. */
    private static long[] split(Call c, OnnxTensor x, boolean old) {
        int axis = c.axis("axis", old ? 1 : -1, Math.max(1, x.rank()));
        if (x.rank() == 0) {
            return new long[] {1, 1, 1};
        }
        return old ? new long[] {Call.product(x.dims(), 0, axis), Call.product(x.dims(), axis, x.rank()), 1}
                : new long[] {Call.product(x.dims(), 0, axis), x.dim(axis), Call.product(x.dims(), axis + 1, x.rank())};
    }

    static OnnxTensor softmax(Call c, boolean log) {
        OnnxTensor x = c.in(0);
        long[] s = split(c, x, c.version() < 13);
        if (x.type() == OnnxType.FLOAT && s[2] == 1 && x.size() >= ProductOps.SMALL && c.natives().ready()) {
            return c.natives().run(c, List.of(c.step(), x.shape()), new Tensor[] {x.tensor(s[0], s[1])},
                    (p, in) -> p.add(new SoftmaxOp(1, log), in[0]), x.dims());
        }
        OnnxTensor y = c.like(x);
        each(c, x, c.version() < 13, (start, n, stride) -> row(c.elements(), x, y, start, n, stride, log));
        return y;
    }

    /** Elements over which one softmax is taken: where the first is, how many, how far apart. */
    @FunctionalInterface
    interface Row {
        void at(long start, long n, long stride);
    }

    /** @param old as before opset 13: over all dimensions from the axis on */
    static void each(Call c, OnnxTensor x, boolean old, Row row) {
        long[] s = split(c, x, old);
        for (long o = 0; o < s[0]; o++) {
            for (long i = 0; i < s[2]; i++) {
                row.at(o * s[1] * s[2] + i, s[1], s[2]);
            }
        }
    }

    static void row(Elements e, OnnxTensor x, OnnxTensor y, long start, long n, long stride, boolean log) {
        double max = Double.NEGATIVE_INFINITY;
        for (long i = 0; i < n; i += Elements.SIZE) {
            int count = Elements.count(n - i);
            e.read(x, start + i * stride, stride, e.a, count);
            max = Elements.fold(Math::max, max, e.a, count);
        }
        double highest = max;
        double sum = 0;
        for (long i = 0; i < n; i += Elements.SIZE) {
            int count = Elements.count(n - i);
            e.read(x, start + i * stride, stride, e.a, count);
            sum = Elements.fold((a, v) -> a + Math.exp(v - highest), sum, e.a, count);
        }
        double total = sum;
        double shift = max + Math.log(sum);
        for (long i = 0; i < n; i += Elements.SIZE) {
            int count = Elements.count(n - i);
            e.read(x, start + i * stride, stride, e.a, count);
            Elements.over(log ? v -> v - shift : v -> Math.exp(v - highest) / total, e.a, count);
            e.write(y, start + i * stride, stride, e.a, count);
        }
    }

    private static OnnxTensor hardmax(Call c) {
        OnnxTensor x = c.in(0);
        long[] s = split(c, x, c.version() < 13);
        OnnxTensor y = c.zeros(x.type(), x.dims());
        for (long o = 0; o < s[0]; o++) {
            for (long i = 0; i < s[2]; i++) {
                long start = o * s[1] * s[2] + i;
                long best = 0;
                for (long k = 1; k < s[1]; k++) {
                    best = x.real(start + k * s[2]) > x.real(start + best * s[2]) ? k : best;
                }
                if (s[1] > 0) {
                    y.put(start + best * s[2], 1);
                }
            }
        }
        return y;
    }
}
