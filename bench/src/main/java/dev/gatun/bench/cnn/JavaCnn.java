package dev.gatun.bench.cnn;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.purejava.JavaKernels;
import dev.gatun.bench.purejava.Window;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A network in Java alone: batch norms folded, ReLU and residuals within the convolutions, every array made once and used
 * again as soon as nothing reads it any more.
 */
final class JavaCnn implements Contender, Network.Layers<JavaCnn.Value> {
    private static final double BATCH_NORM_EPS = 1e-5;

    /** [batch, c, h, w]; its array is known when all steps are. */
    static final class Value {
        private final int c;
        private final int h;
        private final int w;
        private float[] data;

        private Value(int c, int h, int w) {
            this.c = c;
            this.h = h;
            this.w = w;
        }

        private int elements() {
            return c * h * w;
        }
    }

    private record Step(Runnable work, List<Value> operands, Value result) {
    }

    private record Folded(float[] weights, float[] bias) {
    }

    private final String name;
    private final JavaKernels kernels;
    private final Network network;
    private final Function<String, float[]> weights;
    private final int batch;
    private final List<Step> steps = new ArrayList<>();
    private final Runnable[] works;
    private final Value logits;

    /**
     * With weights by PyTorch's state_dict names, norms unfolded; they are read here and not kept.
     *
     * @param name     for the report
     * @param kernels  closed with this
     * @param pictures [batch, 3, size, size], read by every run
     */
    JavaCnn(String name, JavaKernels kernels, Network network, Function<String, float[]> weights, float[] pictures, int batch) {
        if (pictures.length != batch * network.inputLength) {
            throw new IllegalArgumentException(network.architecture + ": " + pictures.length + " numbers are not " + batch + " x "
                    + network.inputLength);
        }
        this.name = name;
        this.kernels = kernels;
        this.network = network;
        this.weights = weights;
        this.batch = batch;
        Value input = new Value(3, network.size, network.size);
        input.data = pictures;
        logits = network.build(this, input);
        allocate(input);
        works = steps.stream().map(Step::work).toArray(Runnable[]::new);
    }

    /** An array is free after the last step that reads it. */
    private void allocate(Value input) {
        Map<Value, Integer> lastUse = new HashMap<>();
        for (int i = 0; i < steps.size(); i++) {
            for (Value operand : steps.get(i).operands()) {
                lastUse.put(operand, i);
            }
        }
        Map<Integer, List<float[]>> free = new HashMap<>();
        for (int i = 0; i < steps.size(); i++) {
            Value result = steps.get(i).result();
            int length = batch * result.elements();
            List<float[]> candidates = free.getOrDefault(length, List.of());
            result.data = candidates.isEmpty() ? new float[length] : candidates.removeLast();
            for (Value operand : steps.get(i).operands()) {
                if (operand != input && lastUse.get(operand) == i) {
                    free.computeIfAbsent(operand.data.length, key -> new ArrayList<>()).add(operand.data);
                }
            }
        }
    }

    private Value step(Value result, Runnable work, Value... operands) {
        steps.add(new Step(work, List.of(operands), result));
        return result;
    }

    /** norm(conv(x)) is a convolution: weights scaled, the mean moved into the bias. */
    private Folded folded(String conv) {
        float[] w = weights.apply(conv + ".weight");
        if (network == Network.TEXTBOOK) {
            return new Folded(w, weights.apply(conv + ".bias"));
        }
        String norm = conv.endsWith("downsample.0") ? conv.replace("downsample.0", "downsample.1") : conv.replace("conv", "bn");
        float[] gamma = weights.apply(norm + ".weight");
        float[] bias = weights.apply(norm + ".bias").clone();
        float[] mean = weights.apply(norm + ".running_mean");
        float[] variance = weights.apply(norm + ".running_var");
        float[] scaled = new float[w.length];
        int kernel = w.length / bias.length;
        for (int oc = 0; oc < bias.length; oc++) {
            double factor = gamma[oc] / Math.sqrt(variance[oc] + BATCH_NORM_EPS);
            bias[oc] -= (float) (mean[oc] * factor);
            for (int i = oc * kernel; i < (oc + 1) * kernel; i++) {
                scaled[i] = (float) (w[i] * factor);
            }
        }
        return new Folded(scaled, bias);
    }

    private Value convolution(String conv, Value x, int stride, int pad, boolean relu, Value residual) {
        Folded folded = folded(conv);
        int oc = folded.bias.length;
        int size = (int) Math.round(Math.sqrt((double) folded.weights.length / oc / x.c));
        Window window = new Window(batch, x.c, x.h, x.w, size, stride, pad);
        JavaKernels.Conv kernel = kernels.convolution(window, oc, folded.weights, folded.bias, relu);
        Value y = new Value(oc, (x.h + 2 * pad - size) / stride + 1, (x.w + 2 * pad - size) / stride + 1);
        return residual == null ? step(y, () -> kernel.apply(x.data, null, y.data), x)
                : step(y, () -> kernel.apply(x.data, residual.data, y.data), x, residual);
    }

    @Override
    public Value conv(String conv, Value x, int stride, int pad, boolean relu) {
        return convolution(conv, x, stride, pad, relu, null);
    }

    @Override
    public Value convSum(String conv, Value x, Value residual) {
        return convolution(conv, x, 1, 0, true, residual);
    }

    @Override
    public Value maxPool(Value x, int window, int stride, int pad) {
        Window v = new Window(batch, x.c, x.h, x.w, window, stride, pad);
        Value y = new Value(x.c, (x.h + 2 * pad - window) / stride + 1, (x.w + 2 * pad - window) / stride + 1);
        return step(y, () -> kernels.maxPool(v, x.data, y.data), x);
    }

    @Override
    public Value globalAverage(Value x) {
        Value y = new Value(x.c, 1, 1);
        return step(y, () -> kernels.globalAverage(x.data, y.data, batch * x.c, x.h * x.w), x);
    }

    /** Rows of channels already lie as they should. */
    @Override
    public Value flatten(Value x) {
        return x;
    }

    @Override
    public Value linear(String layer, Value x, boolean relu) {
        float[] w = weights.apply(layer + ".weight");
        float[] bias = weights.apply(layer + ".bias");
        int k = x.elements();
        int n = bias.length;
        float[] transposed = new float[k * n];
        for (int i = 0; i < n; i++) {
            for (int p = 0; p < k; p++) {
                transposed[p * n + i] = w[i * k + p];
            }
        }
        JavaKernels.Linear product = kernels.linear(transposed, bias, k, n);
        Value y = new Value(n, 1, 1);
        return step(y, () -> {
            product.apply(x.data, y.data, batch);
            if (relu) {
                kernels.relu(y.data, batch * n);
            }
        }, x);
    }

    @Override
    public String version() {
        return name + ", Java " + Runtime.version().feature();
    }

    @Override
    public void run() {
        for (Runnable work : works) {
            work.run();
        }
    }

    @Override
    public float[] output() {
        return logits.data.clone();
    }

    @Override
    public void close() {
        kernels.close();
    }
}
