package dev.gatun.models.onnx;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.MatMulOp;
import dev.gatun.tensor.weights.LinearTuner;
import dev.gatun.tensor.weights.LinearWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Matrix products: natively where they are worth it, in plain loops for other types and tiny sizes. */
final class ProductOps {
    /** Products of fewer multiplications are done at once. */
    static final long SMALL = 16_384;
    private static final int TYPICAL_ROWS = 128;
    private static final LinearTuner TUNER = new LinearTuner(TYPICAL_ROWS);

    private ProductOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "MatMul" -> Operators.one(c -> matMul(c, c.in(0), c.in(1), 1f));
            case "Gemm" -> Operators.one(ProductOps::gemm);
            case "Einsum" -> Operators.one(ProductOps::einsum);
            case "Det" -> Operators.one(ProductOps::det);
            case Operators.MICROSOFT + ":FusedMatMul" -> Operators.one(ProductOps::fusedMatMul);
            default -> null;
        };
    }

    /** numpy's matmul times a factor, in a's type. */
    static OnnxTensor matMul(Call c, OnnxTensor a, OnnxTensor b, float scale) {
        if (a.rank() == 1 || b.rank() == 1) {
            c.require(a.rank() > 0 && b.rank() > 0, "a product of a scalar");
            OnnxTensor left = a.rank() == 1 ? a.view(1, a.dim(0)) : a;
            OnnxTensor right = b.rank() == 1 ? b.view(b.dim(0), 1) : b;
            OnnxTensor y = matMul(c, left, right, scale);
            boolean[] gone = new boolean[y.rank()];
            gone[y.rank() - 1] = b.rank() == 1;
            gone[y.rank() - 2] = a.rank() == 1;
            return y.view(ReduceOps.pick(y.dims(), gone, false));
        }
        c.require(a.dim(-1) == b.dim(-2), "K " + a.dim(-1) + " != " + b.dim(-2));
        long[] batch = Walk.broadcast(Arrays.copyOf(a.dims(), a.rank() - 2), Arrays.copyOf(b.dims(), b.rank() - 2));
        long[] dims = Arrays.copyOf(batch, batch.length + 2);
        dims[batch.length] = a.dim(-2);
        dims[batch.length + 1] = b.dim(-1);
        boolean half = a.type() == OnnxType.FLOAT16 || a.type() == OnnxType.BFLOAT16;
        if (a.type() == OnnxType.FLOAT || half) {
            OnnxTensor y = floats(c, CastOps.floats(c, a), half ? CastOps.floats(c, b) : b, batch, dims, scale);
            return half ? CastOps.cast(c, y, a.type()) : y;
        }
        OnnxTensor y = c.make(a.type(), dims);
        loops(a, b, y, batch, scale);
        return y;
    }

    private static OnnxTensor floats(Call c, OnnxTensor a, OnnxTensor b, long[] batch, long[] dims, float scale) {
        long m = a.dim(-2);
        long k = a.dim(-1);
        long n = b.dim(-1);
        long count = Call.product(batch, 0, batch.length);
        if (count * m * n * k < SMALL || !c.natives().ready()) {
            OnnxTensor y = c.make(OnnxType.FLOAT, dims);
            loops(a, b, y, batch, scale);
            return y;
        }
        if (b.rank() == 2 || Call.product(b.dims(), 0, b.rank() - 2) == 1) {
            OnnxTensor right = b.view(k, n);
            return linear(c, a.view(count * m, k), right, scale, null, false, dims);
        }
        OnnxTensor left = repeated(c, a, batch).view(count, m, k);
        OnnxTensor right = repeated(c, b, batch).view(count, k, n);
        return batched(c, left, right, false, scale, dims);
    }

    private static OnnxTensor repeated(Call c, OnnxTensor x, long[] batch) {
        long[] dims = Arrays.copyOf(batch, batch.length + 2);
        dims[batch.length] = x.dim(-2);
        dims[batch.length + 1] = x.dim(-1);
        return ShapeOps.expand(c, x, dims);
    }

    /** [B, M, K] by [B, K, N], or [B, N, K]. */
    static OnnxTensor batched(Call c, OnnxTensor a, OnnxTensor b, boolean transposed, float scale, long... dims) {
        Object key = List.of(c.step(), a.shape(), b.shape(), transposed, scale);
        return c.natives().run(c, key, new Tensor[] {a.tensor(a.dims()), b.tensor(b.dims())},
                (p, in) -> p.add(new MatMulOp(transposed, scale, Activation.NONE), in[0], in[1]), dims);
    }

    /** [M, K] by constant or other [K, N], or [N, K]; constants are packed once. */
    static OnnxTensor linear(Call c, OnnxTensor a, OnnxTensor b, float scale, OnnxTensor bias, boolean transposed, long... dims) {
        boolean constant = c.natives().packed().isConstant(b) && (bias == null || c.natives().packed().isConstant(bias));
        if (!constant) {
            Object key = List.of(c.step(), a.shape(), b.shape(), transposed, scale);
            return c.natives().run(c, key, new Tensor[] {a.tensor(a.dims()), b.tensor(b.dims())},
                    (p, in) -> p.add(new MatMulOp(transposed, scale, Activation.NONE), in[0], in[1]), dims);
        }
        LinearWeights weights = packed(c, b, bias, transposed);
        return c.natives().run(c, List.of(c.step(), weights, a.shape(), scale), new Tensor[] {a.tensor(a.dims())},
                (p, in) -> p.add(new LinearOp(weights, Activation.NONE, scale, false), in[0]), dims);
    }

    static LinearWeights packed(Call c, OnnxTensor b, OnnxTensor bias, boolean transposed) {
        Object how = List.of("linear", transposed, bias == null ? 0L : bias.segment().address());
        return c.natives().packed().get(b, how, arena -> {
            LinearWeights.Source source = new LinearWeights.Source(b.tensor(b.dims()), !transposed, bias == null ? null
                    : bias.tensor(bias.size()));
            synchronized (TUNER) {
                return LinearWeights.pack(arena, TUNER.choose(b.dim(transposed ? 1 : 0), b.dim(transposed ? 0 : 1)), source);
            }
        });
    }

    private static void loops(OnnxTensor a, OnnxTensor b, OnnxTensor y, long[] batch, float scale) {
        long m = a.dim(-2);
        long k = a.dim(-1);
        long n = b.dim(-1);
        long[][] strides = {scaled(Walk.dense(batch), m * n), batchStrides(a, batch), batchStrides(b, batch)};
        boolean real = a.type().isReal();
        Walk.rows(batch, strides, new long[3], (at, step, count) -> {
            for (long i = 0; i < count; i++) {
                multiply(a, at[1] + i * step[1], b, at[2] + i * step[2], y, at[0] + i * step[0], new long[] {m, k, n}, real ? scale
                        : Double.NaN);
            }
        });
    }

    private static long[] scaled(long[] values, long by) {
        return Arrays.stream(values).map(v -> v * by).toArray();
    }

    private static long[] batchStrides(OnnxTensor x, long[] batch) {
        return scaled(Walk.strides(Arrays.copyOf(x.dims(), x.rank() - 2), batch), x.dim(-2) * x.dim(-1));
    }

    /** @param scale NaN for integers */
    private static void multiply(OnnxTensor a, long as, OnnxTensor b, long bs, OnnxTensor y, long ys, long[] mkn, double scale) {
        long k = mkn[1];
        long n = mkn[2];
        for (long i = 0; i < mkn[0]; i++) {
            for (long j = 0; j < n; j++) {
                double sum = 0;
                long whole = 0;
                for (long p = 0; p < k; p++) {
                    if (Double.isNaN(scale)) {
                        whole += a.whole(as + i * k + p) * b.whole(bs + p * n + j);
                    } else {
                        sum += a.real(as + i * k + p) * b.real(bs + p * n + j);
                    }
                }
                if (Double.isNaN(scale)) {
                    y.putWhole(ys + i * n + j, whole);
                } else {
                    y.put(ys + i * n + j, sum * scale);
                }
            }
        }
    }

    static OnnxTensor gemm(Call c) {
        OnnxTensor a = c.flag("transA") ? MoveOps.transpose(c, c.in(0), 1, 0) : c.in(0);
        OnnxTensor b = c.in(1);
        boolean transB = c.flag("transB");
        float alpha = c.f("alpha", 1);
        float beta = c.f("beta", 1);
        OnnxTensor bias = c.opt(2);
        c.require(a.rank() == 2 && b.rank() == 2, "both operands must have two dimensions");
        long n = b.dim(transB ? 0 : 1);
        c.require(a.dim(1) == b.dim(transB ? 1 : 0), "K differs");
        boolean large = a.type() == OnnxType.FLOAT && a.dim(0) * a.dim(1) * n >= SMALL && c.natives().ready();
        if (large) {
            boolean fused = bias != null && bias.size() == n && bias.dim(-1) == n && alpha == 1 && beta == 1
                    && c.natives().packed().isConstant(bias)
                    && c.natives().packed().isConstant(b);
            OnnxTensor y = linear(c, a, b, alpha, fused ? bias : null, transB, a.dim(0), n);
            return fused || bias == null ? y : added(c, y, bias, beta);
        }
        OnnxTensor y = matMul(c, a, transB ? MoveOps.transpose(c, b, 1, 0) : b, alpha);
        return bias == null ? y : added(c, y, bias, beta);
    }

    private static OnnxTensor added(Call c, OnnxTensor y, OnnxTensor bias, float beta) {
        return y.type().isReal() ? BinaryOps.real(c, y, bias, (p, q) -> p + beta * q)
                : BinaryOps.whole(c, y, bias, (p, q) -> p + (long) beta * q);
    }

    private static OnnxTensor fusedMatMul(Call c) {
        OnnxTensor a = c.in(0);
        OnnxTensor b = c.in(1);
        c.require(!c.flag("transBatchA") && !c.flag("transBatchB"), "transBatchA and transBatchB are not computed");
        OnnxTensor left = c.flag("transA") && a.rank() > 1 ? swapped(c, a) : a;
        OnnxTensor right = c.flag("transB") && b.rank() > 1 ? swapped(c, b) : b;
        return matMul(c, left, right, c.f("alpha", 1));
    }

    static OnnxTensor swapped(Call c, OnnxTensor x) {
        int[] order = new int[x.rank()];
        Arrays.setAll(order, i -> i);
        order[x.rank() - 1] = x.rank() - 2;
        order[x.rank() - 2] = x.rank() - 1;
        return MoveOps.transpose(c, x, order);
    }

    /** Sums over the letters that the result lacks. */
    private static OnnxTensor einsum(Call c) {
        String equation = c.s("equation", "").replace(" ", "");
        String[] sides = equation.split("->", -1);
        String[] terms = sides[0].split(",", -1);
        c.require(terms.length == c.inputCount(), "the equation has " + terms.length + " terms");
        int dots = 0;
        for (int i = 0; i < terms.length; i++) {
            dots = Math.max(dots, terms[i].contains("...") ? c.in(i).rank() - (terms[i].length() - 3) : 0);
        }
        StringBuilder ellipsis = new StringBuilder();
        for (int i = 0; i < dots; i++) {
            ellipsis.append((char) ('\u0100' + i));
        }
        Map<Character, Long> sizes = new HashMap<>();
        for (int i = 0; i < terms.length; i++) {
            int own = terms[i].contains("...") ? c.in(i).rank() - (terms[i].length() - 3) : 0;
            terms[i] = terms[i].replace("...", ellipsis.substring(ellipsis.length() - own));
            c.require(terms[i].length() == c.in(i).rank(), "term " + terms[i] + " has another rank than its operand");
            for (int d = 0; d < terms[i].length(); d++) {
                sizes.merge(terms[i].charAt(d), c.in(i).dim(d), (p, q) -> p == 1 ? q : p);
            }
        }
        String result = sides.length > 1 ? sides[1].replace("...", ellipsis) : implicit(ellipsis.toString(), terms);
        return einsum(c, terms, result, sizes);
    }

    private static String implicit(String ellipsis, String[] terms) {
        String all = String.join("", terms);
        StringBuilder result = new StringBuilder(ellipsis);
        all.chars().sorted().distinct().filter(l -> l < 0x100 && all.indexOf(l) == all.lastIndexOf(l))
                .forEach(l -> result.append((char) l));
        return result.toString();
    }

    private static OnnxTensor einsum(Call c, String[] terms, String result, Map<Character, Long> sizes) {
        List<Character> letters = new ArrayList<>();
        result.chars().forEach(l -> letters.add((char) l));
        String.join("", terms).chars().filter(l -> result.indexOf(l) < 0).distinct().forEach(l -> letters.add((char) l));
        long[] dims = new long[letters.size()];
        for (int i = 0; i < dims.length; i++) {
            c.require(sizes.containsKey(letters.get(i)), "the result has a letter that no term has");
            dims[i] = sizes.get(letters.get(i));
        }
        long[] out = Arrays.copyOf(dims, result.length());
        OnnxTensor y = c.zeros(c.in(0).type(), out);
        double[] sums = new double[Math.toIntExact(y.size())];
        long[][] strides = new long[terms.length + 1][dims.length];
        System.arraycopy(Walk.dense(out), 0, strides[0], 0, out.length);
        for (int t = 0; t < terms.length; t++) {
            long[] own = Walk.dense(c.in(t).dims());
            for (int d = 0; d < terms[t].length(); d++) {
                strides[t + 1][letters.indexOf(terms[t].charAt(d))] += c.in(t).dim(d) == 1 ? 0 : own[d];
            }
        }
        Walk.rows(dims, strides, new long[terms.length + 1], (at, step, n) -> {
            for (long i = 0; i < n; i++) {
                double product = 1;
                for (int t = 0; t < terms.length; t++) {
                    product *= c.in(t).real(at[t + 1] + i * step[t + 1]);
                }
                sums[(int) (at[0] + i * step[0])] += product;
            }
        });
        for (int i = 0; i < sums.length; i++) {
            y.put(i, sums[i]);
        }
        return y;
    }

    private static OnnxTensor det(Call c) {
        OnnxTensor x = c.in(0);
        c.require(x.rank() >= 2 && x.dim(-1) == x.dim(-2), "expected square matrices");
        int n = Math.toIntExact(x.dim(-1));
        OnnxTensor y = c.make(x.type(), Arrays.copyOf(x.dims(), x.rank() - 2));
        for (long b = 0; b < y.size(); b++) {
            double[][] m = new double[n][n];
            for (int i = 0; i < n * n; i++) {
                m[i / n][i % n] = x.real(b * n * n + i);
            }
            y.put(b, det(m));
        }
        return y;
    }

    private static double det(double[][] m) {
        double det = 1;
        for (int p = 0; p < m.length; p++) {
            int best = p;
            for (int i = p + 1; i < m.length; i++) {
                best = Math.abs(m[i][p]) > Math.abs(m[best][p]) ? i : best;
            }
            double[] swap = m[p];
            m[p] = m[best];
            m[best] = swap;
            det *= best == p ? m[p][p] : -m[p][p];
            for (int i = p + 1; i < m.length && m[p][p] != 0; i++) {
                double f = m[i][p] / m[p][p];
                for (int j = p; j < m.length; j++) {
                    m[i][j] -= f * m[p][j];
                }
            }
        }
        return det;
    }
}
