package dev.gatun.models.onnx;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.LayerNormOp;
import dev.gatun.tensor.weights.LayerNormWeights;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Normalizations. Means and variances are summed in double. */
final class NormOps {
    private NormOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "BatchNormalization" -> Operators.many(NormOps::batch);
            case "InstanceNormalization" -> Operators.one(c -> {
                OnnxTensor x = c.in(0);
                return grouped(c, x, x.dim(1), c.in(1), c.in(2), c.f("epsilon", 1e-5));
            });
            case "GroupNormalization" -> Operators.one(NormOps::group);
            case "LayerNormalization" -> Operators.many(NormOps::layer);
            case "RMSNormalization" -> Operators.one(c -> {
                OnnxTensor x = c.in(0);
                OnnxTensor y = rms(c, x, c.in(1), c.axis("axis", -1, x.rank()), c.f("epsilon", 1e-5), null);
                c.require(y.shape().equals(x.shape()), "the scale does not fit");
                return y;
            });
            case "LpNormalization" -> Operators.one(NormOps::lp);
            case "MeanVarianceNormalization" -> Operators.one(NormOps::meanVariance);
            case "LRN" -> Operators.one(NormOps::lrn);
            default -> null;
        };
    }

    private static OnnxValue[] batch(Call c) {
        OnnxTensor x = c.in(0);
        long channels = x.rank() > 1 ? x.dim(1) : 1;
        long inner = x.rank() > 2 ? Call.product(x.dims(), 2, x.rank()) : 1;
        double epsilon = c.f("epsilon", 1e-5);
        double momentum = c.f("momentum", 0.9);
        boolean training = c.flag("training_mode");
        for (int i = 1; i < 5; i++) {
            c.require(c.in(i).size() == channels, "scale, shift, mean and variance must have an element for each channel");
        }
        OnnxTensor y = c.like(x);
        OnnxTensor runningMean = training ? c.like(c.in(3)) : null;
        OnnxTensor runningVariance = training ? c.like(c.in(4)) : null;
        long rows = channels == 0 || inner == 0 ? 0 : x.size() / channels / inner;
        for (long ch = 0; ch < channels; ch++) {
            double mean = c.in(3).real(ch);
            double variance = c.in(4).real(ch);
            if (training) {
                double[] found = moments(x, ch * inner, channels * inner, rows, inner);
                runningMean.put(ch, mean * momentum + found[0] * (1 - momentum));
                runningVariance.put(ch, variance * momentum + found[1] * (1 - momentum));
                mean = found[0];
                variance = found[1];
            }
            double scale = c.in(1).real(ch) / Math.sqrt(variance + epsilon);
            double shift = c.in(2).real(ch) - mean * scale;
            for (long r = 0; r < rows; r++) {
                long at = (r * channels + ch) * inner;
                for (long i = 0; i < inner; i++) {
                    y.put(at + i, x.real(at + i) * scale + shift);
                }
            }
        }
        return new OnnxValue[] {y, runningMean, runningVariance};
    }

    /** Mean and variance of {@code rows} runs of {@code count} elements. */
    private static double[] moments(OnnxTensor x, long start, long stride, long rows, long count) {
        double sum = 0;
        for (long r = 0; r < rows; r++) {
            for (long i = 0; i < count; i++) {
                sum += x.real(start + r * stride + i);
            }
        }
        double mean = sum / (rows * count);
        double square = 0;
        for (long r = 0; r < rows; r++) {
            for (long i = 0; i < count; i++) {
                double d = x.real(start + r * stride + i) - mean;
                square += d * d;
            }
        }
        return new double[] {mean, square / (rows * count)};
    }

    private static OnnxTensor group(Call c) {
        OnnxTensor x = c.in(0);
        long groups = c.i("num_groups", 1);
        c.require(x.rank() >= 2 && groups > 0 && x.dim(1) % groups == 0, "groups do not divide the channels");
        return grouped(c, x, groups, c.in(1), c.in(2), c.f("epsilon", 1e-5));
    }

    /** [N, C, ...]; scale and shift have an element for each channel, or for each group. */
    private static OnnxTensor grouped(Call c, OnnxTensor x, long groups, OnnxTensor scale, OnnxTensor shift, double epsilon) {
        long channels = x.dim(1);
        long inner = Call.product(x.dims(), 2, x.rank());
        long perGroup = channels / Math.max(1, groups);
        c.require((scale.size() == channels || scale.size() == groups) && shift.size() == scale.size(), "scale and shift do not fit");
        boolean eachGroup = scale.size() != channels;
        OnnxTensor y = c.like(x);
        for (long g = 0; g < x.dim(0) * groups; g++) {
            long start = g * perGroup * inner;
            double[] found = moments(x, start, 0, 1, perGroup * inner);
            double by = 1 / Math.sqrt(found[1] + epsilon);
            for (long i = 0; i < perGroup * inner; i++) {
                long at = eachGroup ? g % groups : g % groups * perGroup + i / inner;
                y.put(start + i, (x.real(start + i) - found[0]) * by * scale.real(at) + shift.real(at));
            }
        }
        return y;
    }

    private static OnnxValue[] layer(Call c) {
        OnnxTensor x = c.in(0);
        int axis = c.axis("axis", -1, x.rank());
        OnnxValue[] results = layer(c, x, c.opt(1), c.opt(2), axis, c.f("epsilon", 1e-5));
        c.require(((OnnxTensor) results[0]).shape().equals(x.shape()), "scale or shift do not fit");
        return results;
    }

    /** @return y, mean, 1 / deviation */
    static OnnxValue[] layer(Call c, OnnxTensor x, OnnxTensor scale, OnnxTensor shift, int axis, double epsilon) {
        long inner = Call.product(x.dims(), axis, x.rank());
        long rows = Call.product(x.dims(), 0, axis);
        if (!repeats(x, scale, axis) || !repeats(x, shift, axis)) {
            OnnxValue[] plain = layer(c, x, null, null, axis, epsilon);
            OnnxTensor y = (OnnxTensor) plain[0];
            y = scale == null ? y : BinaryOps.real(c, y, scale, (a, b) -> a * b);
            plain[0] = shift == null ? y : BinaryOps.real(c, y, shift, Double::sum);
            return plain;
        }
        OnnxTensor fast = c.wants(1) || c.wants(2) || scale == null ? null : natively(c, x, scale, shift, rows, inner, epsilon);
        if (fast != null) {
            return new OnnxValue[] {fast};
        }
        long[] dims = x.dims();
        Arrays.fill(dims, axis, dims.length, 1);
        OnnxType stash = x.type() == OnnxType.DOUBLE ? OnnxType.DOUBLE : OnnxType.FLOAT;
        OnnxTensor y = c.like(x);
        OnnxTensor means = c.make(stash, dims);
        OnnxTensor deviations = c.make(stash, dims);
        for (long r = 0; r < rows; r++) {
            double[] found = moments(x, r * inner, 0, 1, inner);
            double by = 1 / Math.sqrt(found[1] + epsilon);
            means.put(r, found[0]);
            deviations.put(r, by);
            for (long i = 0; i < inner; i++) {
                double v = (x.real(r * inner + i) - found[0]) * by;
                v *= scale == null ? 1 : scale.real(i % scale.size());
                y.put(r * inner + i, v + (shift == null ? 0 : shift.real(i % shift.size())));
            }
        }
        return new OnnxValue[] {y, means, deviations};
    }

    /** Whether a scale or shift is the same for all rows [dim(axis), ...] of x, and lies as they do: its elements repeat along x. */
    private static boolean repeats(OnnxTensor x, OnnxTensor t, int axis) {
        if (t == null || t.size() == 1) {
            return true;
        }
        int first = 0;
        while (t.dim(first) == 1) {
            first++;
        }
        int rank = t.rank() - first;
        return rank <= x.rank() - axis && Arrays.equals(t.dims(), first, t.rank(), x.dims(), x.rank() - rank, x.rank());
    }

    private static OnnxTensor natively(Call c, OnnxTensor x, OnnxTensor scale, OnnxTensor shift, long rows, long inner, double epsilon) {
        Packed packed = c.natives().packed();
        if (x.type() != OnnxType.FLOAT || x.size() < ProductOps.SMALL || !c.natives().ready() || !packed.isConstant(scale)
                || scale.size() != inner
                || shift != null && (!packed.isConstant(shift) || shift.size() != inner)) {
            return null;
        }
        LayerNormWeights weights = packed.get(scale, List.of("norm", epsilon, shift == null ? 0L : shift.segment().address()), arena -> {
            Tensor gamma = Tensor.allocate(arena, scale.tensor(inner).desc());
            Tensor beta = Tensor.allocate(arena, gamma.desc());
            MemorySegment.copy(scale.segment(), 0, gamma.segment(), 0, gamma.segment().byteSize());
            if (shift != null) {
                MemorySegment.copy(shift.segment(), 0, beta.segment(), 0, beta.segment().byteSize());
            }
            return new LayerNormWeights(gamma, beta, (float) epsilon);
        });
        return c.natives().run(c, List.of(c.step(), x.shape()), new Tensor[] {x.tensor(rows, inner)},
                (p, in) -> p.add(new LayerNormOp(weights), in[0]), x.dims());
    }

    /** @param inverse where 1 / rms goes; may be null */
    static OnnxTensor rms(Call c, OnnxTensor x, OnnxTensor scale, int axis, double epsilon, OnnxTensor inverse) {
        long inner = Call.product(x.dims(), axis, x.rank());
        long rows = Call.product(x.dims(), 0, axis);
        if (scale != null && !repeats(x, scale, axis)) {
            return BinaryOps.real(c, rms(c, x, null, axis, epsilon, inverse), scale, (a, b) -> a * b);
        }
        OnnxTensor y = c.like(x);
        for (long r = 0; r < rows; r++) {
            double square = 0;
            for (long i = 0; i < inner; i++) {
                double v = x.real(r * inner + i);
                square += v * v;
            }
            double by = 1 / Math.sqrt(square / inner + epsilon);
            if (inverse != null) {
                inverse.put(r, by);
            }
            for (long i = 0; i < inner; i++) {
                y.put(r * inner + i, x.real(r * inner + i) * by * (scale == null ? 1 : scale.real(i % scale.size())));
            }
        }
        return y;
    }

    private static OnnxTensor lp(Call c) {
        OnnxTensor x = c.in(0);
        int axis = c.axis("axis", -1, x.rank());
        boolean one = c.i("p", 2) == 1;
        OnnxTensor y = c.like(x);
        long stride = Walk.dense(x.dims())[axis];
        boolean[] axes = new boolean[x.rank()];
        axes[axis] = true;
        ReduceOps.groups(x.dims(), axes, (result, start) -> {
            double sum = 0;
            for (long i = 0; i < x.dim(axis); i++) {
                double v = x.real(start + i * stride);
                sum += one ? Math.abs(v) : v * v;
            }
            double norm = one ? sum : Math.sqrt(sum);
            for (long i = 0; i < x.dim(axis); i++) {
                y.put(start + i * stride, norm == 0 ? 0 : x.real(start + i * stride) / norm);
            }
        });
        return y;
    }

    private static OnnxTensor meanVariance(Call c) {
        OnnxTensor x = c.in(0);
        long[] wanted = c.ints("axes");
        boolean[] axes = new boolean[x.rank()];
        for (long axis : wanted == null ? new long[] {0, 2, 3} : wanted) {
            axes[Call.axis(axis, x.rank())] = true;
        }
        long[] inner = ReduceOps.pick(x.dims(), axes, true);
        long[] strides = ReduceOps.pick(Walk.dense(x.dims()), axes, true);
        double count = Call.product(inner, 0, inner.length);
        OnnxTensor y = c.like(x);
        ReduceOps.groups(x.dims(), axes, (result, start) -> {
            double[] sums = new double[2];
            Walk.rows(inner, new long[][] {strides}, new long[] {start}, (at, step, n) -> {
                for (long i = 0; i < n; i++) {
                    double v = x.real(at[0] + i * step[0]);
                    sums[0] += v;
                    sums[1] += v * v;
                }
            });
            double mean = sums[0] / count;
            double deviation = Math.sqrt(Math.max(0, sums[1] / count - mean * mean)) + 1e-9;
            Walk.rows(inner, new long[][] {strides}, new long[] {start}, (at, step, n) -> {
                for (long i = 0; i < n; i++) {
                    y.put(at[0] + i * step[0], (x.real(at[0] + i * step[0]) - mean) / deviation);
                }
            });
        });
        return y;
    }

    private static OnnxTensor lrn(Call c) {
        OnnxTensor x = c.in(0);
        long size = c.i("size", 1);
        double alpha = c.f("alpha", 1e-4);
        double beta = c.f("beta", 0.75);
        double bias = c.f("bias", 1);
        long channels = x.dim(1);
        long inner = Call.product(x.dims(), 2, x.rank());
        OnnxTensor y = c.like(x);
        for (long i = 0; i < x.size(); i++) {
            long ch = i / inner % channels;
            double sum = 0;
            for (long k = Math.max(0, ch - (size - 1) / 2); k <= Math.min(channels - 1, ch + size / 2); k++) {
                double v = x.real(i + (k - ch) * inner);
                sum += v * v;
            }
            y.put(i, x.real(i) / Math.pow(bias + alpha / size * sum, beta));
        }
        return y;
    }
}
