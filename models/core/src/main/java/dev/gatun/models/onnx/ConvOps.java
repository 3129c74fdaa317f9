package dev.gatun.models.onnx;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.op.ConvTransposeOp;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.weights.ConvWeights;
import java.util.Arrays;
import java.util.List;

/** Convolutions: natively over one or two dimensions with constant weights, in plain loops otherwise. */
final class ConvOps {
    private ConvOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Conv" -> Operators.one(c -> conv(c, c.in(0), c.in(1), c.opt(2), Activation.NONE, null));
            case "ConvTranspose" -> Operators.one(ConvOps::transposed);
            case "DeformConv" -> Operators.one(ConvOps::deformed);
            case "Col2Im" -> Operators.one(ConvOps::col2Im);
            case "CausalConvWithState" -> Operators.many(ConvOps::causal);
            default -> null;
        };
    }

    static OnnxTensor conv(Call c, OnnxTensor x, OnnxTensor w, OnnxTensor bias, Activation activation, OnnxTensor residual) {
        c.require(x.rank() >= 3 && w.rank() == x.rank(), "expected [N, C, ...] and weights of as many dimensions");
        Spatial s = Spatial.of(c, x.dims(), Arrays.copyOfRange(w.dims(), 2, w.rank()));
        long groups = c.i("group", 1);
        c.require(groups > 0 && x.dim(1) == w.dim(1) * groups && w.dim(0) % groups == 0, "channels do not fit " + groups + " groups");
        long[] out = s.output(x.dims(), false);
        long[] dims = new long[x.rank()];
        dims[0] = x.dim(0);
        dims[1] = w.dim(0);
        System.arraycopy(out, 0, dims, 2, out.length);
        long work = Call.product(dims, 0, dims.length) * (w.size() / Math.max(1, w.dim(0)));
        Packed packed = c.natives().packed();
        if (x.type() == OnnxType.FLOAT && s.isNative() && work >= ProductOps.SMALL && c.natives().ready() && packed.isConstant(w)
                && (bias == null || packed.isConstant(bias))) {
            ConvWeights weights = packed.get(w, List.of("conv", groups, bias == null ? 0L : bias.segment().address()), arena ->
                    ConvWeights.of(arena, new ConvWeights.Source(w.tensor(w.dims()), bias == null ? null : bias.tensor(bias.size()),
                            groups)));
            Window window = s.window();
            if (residual != null && (residual.type() != OnnxType.FLOAT || !Arrays.equals(residual.dims(), dims))) {
                return finished(c, conv(c, x, w, bias, Activation.NONE, null), activation, residual);
            }
            Tensor[] operands = residual == null ? new Tensor[] {x.tensor(x.dims())}
                    : new Tensor[] {x.tensor(x.dims()), residual.tensor(dims)};
            return c.natives().run(c, List.of(c.step(), x.shape(), residual != null), operands, (p, in) -> {
                ConvOp op = new ConvOp(weights, window, activation, residual != null, MemoryFormat.ANY);
                // It writes over its residual, so it gets a copy.
                return residual == null ? p.add(op, in[0])
                        : p.add(op, in[0], p.add(new ReorderOp(DataType.F32, MemoryFormat.CHANNELS_LAST), in[1]));
            }, dims);
        }
        OnnxTensor y = plain(c, x, w, bias, s, groups, dims);
        return finished(c, y, activation, residual);
    }

    private static OnnxTensor finished(Call c, OnnxTensor y, Activation activation, OnnxTensor residual) {
        return Fusions.activated(c, residual == null ? y : BinaryOps.real(c, y, residual, Double::sum), activation);
    }

    /** The sum over a window for each result, in double. */
    private static OnnxTensor plain(Call c, OnnxTensor x, OnnxTensor w, OnnxTensor bias, Spatial s, long groups, long[] dims) {
        OnnxTensor y = c.make(x.type(), dims);
        double[] sums = new double[Math.toIntExact(y.size())];
        double[] src = doubles(x);
        double[] taps = doubles(w);
        int rank = s.rank();
        long[] outDims = Arrays.copyOfRange(dims, 2, dims.length);
        long[] inDims = Arrays.copyOfRange(x.dims(), 2, x.rank());
        long spatial = Call.product(outDims, 0, rank);
        long plane = Call.product(inDims, 0, rank);
        long kernel = Call.product(s.kernel(), 0, rank);
        long inPer = w.dim(1);
        long outPer = w.dim(0) / groups;
        long[] at = new long[rank];
        long[] tap = new long[rank];
        for (long o = 0; o < spatial; o++) {
            Walk.unravel(o, outDims, at);
            for (long t = 0; t < kernel; t++) {
                Walk.unravel(t, s.kernel(), tap);
                long from = place(at, tap, s, inDims);
                if (from < 0) {
                    continue;
                }
                for (long n = 0; n < dims[0]; n++) {
                    for (long oc = 0; oc < dims[1]; oc++) {
                        double sum = 0;
                        long channel = n * x.dim(1) + oc / outPer * inPer;
                        for (long ic = 0; ic < inPer; ic++) {
                            sum += src[(int) ((channel + ic) * plane + from)] * taps[(int) ((oc * inPer + ic) * kernel + t)];
                        }
                        sums[(int) ((n * dims[1] + oc) * spatial + o)] += sum;
                    }
                }
            }
        }
        return finished(y, sums, bias, dims[1], spatial);
    }

    private static OnnxTensor finished(OnnxTensor y, double[] sums, OnnxTensor bias, long channels, long spatial) {
        for (int i = 0; i < sums.length; i++) {
            y.put(i, sums[i] + (bias == null ? 0 : bias.real(i / spatial % channels)));
        }
        return y;
    }

    /** Offset within a plane of what a tap of a window reads; -1 for padding. */
    static long place(long[] at, long[] tap, Spatial s, long[] dims) {
        long place = 0;
        for (int d = 0; d < dims.length; d++) {
            long p = at[d] * s.strides()[d] - s.begin()[d] + tap[d] * s.dilations()[d];
            if (p < 0 || p >= dims[d]) {
                return -1;
            }
            place = place * dims[d] + p;
        }
        return place;
    }

    static double[] doubles(OnnxTensor x) {
        double[] values = new double[Math.toIntExact(x.size())];
        for (int i = 0; i < values.length; i++) {
            values[i] = x.real(i);
        }
        return values;
    }

    private static OnnxTensor transposed(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor w = c.in(1);
        OnnxTensor bias = c.opt(2);
        int rank = x.rank() - 2;
        long groups = c.i("group", 1);
        c.require(rank >= 1 && w.rank() == x.rank() && groups > 0 && w.dim(0) == x.dim(1) && x.dim(1) % groups == 0, "weights do not fit");
        long[] kernel = Arrays.copyOfRange(w.dims(), 2, w.rank());
        long[] strides = Spatial.all(c.ints("strides"), rank, 1);
        long[] dilations = Spatial.all(c.ints("dilations"), rank, 1);
        long[] extra = Spatial.all(c.ints("output_padding"), rank, 0);
        long[] pads = Spatial.all(c.ints("pads"), 2 * rank, 0);
        long[] shape = c.ints("output_shape");
        String auto = c.s("auto_pad", "NOTSET");
        long[] begin = Arrays.copyOf(pads, rank);
        long[] end = Arrays.copyOfRange(pads, rank, 2 * rank);
        long[] dims = new long[x.rank()];
        dims[0] = x.dim(0);
        dims[1] = w.dim(1) * groups;
        for (int i = 0; i < rank; i++) {
            long full = strides[i] * (x.dim(2 + i) - 1) + extra[i] + dilations[i] * (kernel[i] - 1) + 1;
            if (shape != null || auto.startsWith("SAME")) {
                long size = shape != null ? shape[shape.length - rank + i] : x.dim(2 + i) * strides[i];
                long total = full - size;
                begin[i] = auto.equals("SAME_UPPER") ? Math.floorDiv(total, 2) : total - Math.floorDiv(total, 2);
                end[i] = total - begin[i];
            }
            dims[2 + i] = full - begin[i] - end[i];
            c.require(dims[2 + i] >= 0 && strides[i] > 0 && dilations[i] > 0, "nothing is left of dimension " + i);
        }
        Spatial s = new Spatial(kernel, strides, dilations, begin, end);
        long work = x.size() * w.dim(1) * Call.product(kernel, 0, rank);
        Packed packed = c.natives().packed();
        if (x.type() == OnnxType.FLOAT && rank <= 2 && Arrays.stream(begin).allMatch(b -> b >= 0) && work >= ProductOps.SMALL
                && c.natives().ready()
                && packed.isConstant(w) && (bias == null || packed.isConstant(bias))) {
            for (int i = 0; i < rank; i++) {
                end[i] -= extra[i];
            }
            ConvWeights weights = packed.get(w, List.of("transposed", groups, bias == null ? 0L : bias.segment().address()), arena ->
                    ConvWeights.ofTransposed(arena, new ConvWeights.Source(w.tensor(w.dims()), bias == null ? null
                            : bias.tensor(bias.size()), groups)));
            Window window = s.window();
            return c.natives().run(c, List.of(c.step(), x.shape()), new Tensor[] {x.tensor(x.dims())},
                    (p, in) -> p.add(new ConvTransposeOp(weights, window, Activation.NONE), in[0]), dims);
        }
        return spread(c, x, w, bias, s, groups, dims);
    }

    /** Each element of x adds the weights, times itself, to the results around it. */
    private static OnnxTensor spread(Call c, OnnxTensor x, OnnxTensor w, OnnxTensor bias, Spatial s, long groups, long[] dims) {
        OnnxTensor y = c.make(x.type(), dims);
        double[] sums = new double[Math.toIntExact(y.size())];
        double[] src = doubles(x);
        double[] taps = doubles(w);
        int rank = s.rank();
        long[] outDims = Arrays.copyOfRange(dims, 2, dims.length);
        long[] inDims = Arrays.copyOfRange(x.dims(), 2, x.rank());
        long spatial = Call.product(outDims, 0, rank);
        long plane = Call.product(inDims, 0, rank);
        long kernel = Call.product(s.kernel(), 0, rank);
        long inPer = x.dim(1) / groups;
        long outPer = w.dim(1);
        long[] at = new long[rank];
        long[] tap = new long[rank];
        for (long i = 0; i < plane; i++) {
            Walk.unravel(i, inDims, at);
            for (long t = 0; t < kernel; t++) {
                Walk.unravel(t, s.kernel(), tap);
                long to = place(at, tap, s, outDims);
                for (long nc = 0; to >= 0 && nc < dims[0] * x.dim(1); nc++) {
                    long channel = nc % x.dim(1);
                    double value = src[(int) (nc * plane + i)];
                    long first = nc / x.dim(1) * dims[1] + channel / inPer * outPer;
                    for (long oc = 0; oc < outPer; oc++) {
                        sums[(int) ((first + oc) * spatial + to)] += value * taps[(int) ((channel * outPer + oc) * kernel + t)];
                    }
                }
            }
        }
        return finished(y, sums, bias, dims[1], spatial);
    }

    /** A convolution whose window elements lie where offsets say, between pixels. */
    private static OnnxTensor deformed(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor w = c.in(1);
        OnnxTensor offset = c.in(2);
        OnnxTensor bias = c.opt(3);
        OnnxTensor mask = c.opt(4);
        c.require(x.rank() == 4 && w.rank() == 4 && offset.rank() == 4, "expected pictures");
        Spatial s = Spatial.of(c, x.dims(), new long[] {w.dim(2), w.dim(3)});
        long groups = c.i("group", 1);
        long offsetGroups = c.i("offset_group", 1);
        long[] out = s.output(x.dims(), false);
        long taps = w.dim(2) * w.dim(3);
        long spatial = out[0] * out[1];
        c.require(groups > 0 && offsetGroups > 0 && x.dim(1) == w.dim(1) * groups && x.dim(1) % offsetGroups == 0
                && offset.size() == x.dim(0) * offsetGroups * taps * 2 * spatial
                && (mask == null || mask.size() == x.dim(0) * offsetGroups * taps * spatial), "channels or offsets do not fit");
        OnnxTensor y = c.make(x.type(), x.dim(0), w.dim(0), out[0], out[1]);
        double[] sums = new double[Math.toIntExact(y.size())];
        long outPer = w.dim(0) / groups;
        for (long n = 0; n < x.dim(0); n++) {
            for (long ic = 0; ic < x.dim(1); ic++) {
                long og = n * offsetGroups + ic / (x.dim(1) / offsetGroups);
                for (long t = 0; t < taps; t++) {
                    for (long o = 0; o < spatial; o++) {
                        double py = o / out[1] * s.strides()[0] - s.begin()[0] + t / w.dim(3) * s.dilations()[0]
                                + offset.real(((og * taps + t) * 2) * spatial + o);
                        double px = o % out[1] * s.strides()[1] - s.begin()[1] + t % w.dim(3) * s.dilations()[1]
                                + offset.real(((og * taps + t) * 2 + 1) * spatial + o);
                        double value = SampleOps.bilinear(x, (n * x.dim(1) + ic) * x.dim(2) * x.dim(3), py, px)
                                * (mask == null ? 1 : mask.real((og * taps + t) * spatial + o));
                        long group = ic / w.dim(1);
                        for (long oc = group * outPer; oc < (group + 1) * outPer; oc++) {
                            sums[(int) ((n * w.dim(0) + oc) * spatial + o)] += value * w.real((oc * w.dim(1) + ic % w.dim(1)) * taps + t);
                        }
                    }
                }
            }
        }
        return finished(y, sums, bias, w.dim(0), spatial);
    }

    /** Adds columns of windows into a picture of any number of dimensions. */
    private static OnnxTensor col2Im(Call c) {
        OnnxTensor x = c.in(0);
        long[] image = c.in(1).longs();
        long[] block = c.in(2).longs();
        int rank = image.length;
        long[] dims = new long[rank + 2];
        long kernel = Call.product(block, 0, rank);
        c.require(x.rank() == 3 && block.length == rank && kernel > 0 && x.dim(1) % kernel == 0, "columns do not fit the block");
        dims[0] = x.dim(0);
        dims[1] = x.dim(1) / kernel;
        System.arraycopy(image, 0, dims, 2, rank);
        Spatial s = Spatial.of(c, dims, block);
        long[] windows = s.output(dims, false);
        c.require(Call.product(windows, 0, rank) == x.dim(2), "columns do not fit the picture");
        OnnxTensor y = c.make(x.type(), dims);
        double[] sums = new double[Math.toIntExact(y.size())];
        long plane = Call.product(image, 0, rank);
        long[] at = new long[rank];
        long[] tap = new long[rank];
        for (long l = 0; l < x.dim(2); l++) {
            Walk.unravel(l, windows, at);
            for (long t = 0; t < kernel; t++) {
                Walk.unravel(t, block, tap);
                long to = place(at, tap, s, image);
                for (long nc = 0; to >= 0 && nc < dims[0] * dims[1]; nc++) {
                    sums[(int) (nc * plane + to)] += x.real((nc * kernel + t) * x.dim(2) + l);
                }
            }
        }
        return finished(y, sums, null, 1, 1);
    }

    /** A depthwise convolution of one dimension over what came before and what comes now. */
    private static OnnxValue[] causal(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor w = c.in(1);
        OnnxTensor bias = c.opt(2);
        c.require(x.rank() == 3 && w.rank() == 3 && w.dim(0) == x.dim(1), "expected [N, C, L] and weights [C, 1, k]");
        long before = w.dim(2) - 1;
        OnnxTensor past = c.has(3) ? c.in(3) : c.zeros(x.type(), x.dim(0), x.dim(1), before);
        OnnxTensor padded = MoveOps.concat(c, 2, past, x);
        Spatial s = new Spatial(new long[] {w.dim(2)}, new long[] {1}, new long[] {1}, new long[1], new long[1]);
        OnnxTensor y = plain(c, padded, w, bias, s, x.dim(1), x.dims());
        String activation = c.s("activation", "none");
        if (!activation.equals("none")) {
            c.require(activation.equals("silu") || activation.equals("swish"), "the activation " + activation + " is not known");
            y = ElementOps.real(c, y, v -> v * ActivationOps.sigmoid(v));
        }
        long[] strides = Walk.dense(padded.dims());
        return new OnnxValue[] {y, MoveOps.gathered(c, padded, new long[] {x.dim(0), x.dim(1), before}, padded.dim(2) - before, strides)};
    }
}
