package dev.gatun.bench.encoder;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.purejava.JavaKernels;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The encoder in Java alone: rows of all texts packed, so padding is never computed; every array made once. */
final class JavaEncoder implements Contender {
    private record Norm(float[] gamma, float[] beta) {
    }

    private record Layer(JavaKernels.Linear qkv, JavaKernels.Linear attention, Norm attentionNorm,
            JavaKernels.Linear intermediate, JavaKernels.Linear output, Norm outputNorm) {
    }

    private final String name;
    private final JavaKernels kernels;
    private final int[][] tokens;
    private final float[] words;
    private final float[] positions;
    private final float[] types;
    private final Norm embeddingNorm;
    private final List<Layer> layers = new ArrayList<>();
    private final int d;
    private final int dFf;
    private final int headDim;
    private final float eps;
    private final int rows;
    private final float[] x;
    private final float[] y;
    private final float[] wide;
    private final float[] context;
    private final float[] vectors;

    JavaEncoder(String name, JavaKernels kernels, Path model, int[][] tokens) {
        this.name = name;
        this.kernels = kernels;
        this.tokens = tokens;
        try (Arena arena = Arena.ofShared()) {
            ExportedBert weights = new ExportedBert(model, arena);
            words = floats(weights, "embeddings.word_embeddings.weight");
            positions = floats(weights, "embeddings.position_embeddings.weight");
            types = floats(weights, "embeddings.token_type_embeddings.weight");
            embeddingNorm = norm(weights, "embeddings.LayerNorm");
            d = embeddingNorm.gamma().length;
            headDim = (int) weights.headDim().orElseThrow();
            eps = (float) weights.layerNormEps().orElse(1e-12);
            dFf = floats(weights, "encoder.layer.0.intermediate.dense.bias").length;
            for (int i = 0; has(weights, "encoder.layer." + i + ".output.dense.bias"); i++) {
                layers.add(layer(weights, "encoder.layer." + i + "."));
            }
        }
        rows = Arrays.stream(tokens).mapToInt(row -> row.length).sum();
        x = new float[rows * d];
        y = new float[rows * d];
        wide = new float[rows * Math.max(dFf, 3 * d)];
        context = new float[rows * d];
        vectors = new float[tokens.length * d];
    }

    private static String find(ExportedBert weights, String name) {
        return weights.names().contains(name) ? name : "bert." + name;
    }

    private static boolean has(ExportedBert weights, String name) {
        return weights.names().contains(find(weights, name));
    }

    private static float[] floats(ExportedBert weights, String name) {
        return weights.floats(find(weights, name));
    }

    private static Norm norm(ExportedBert weights, String name) {
        return new Norm(floats(weights, name + ".weight"), floats(weights, name + ".bias"));
    }

    private Layer layer(ExportedBert weights, String prefix) {
        String attention = prefix + "attention.";
        return new Layer(
                linear(weights, attention + "self.query", attention + "self.key", attention + "self.value"),
                linear(weights, attention + "output.dense"), norm(weights, attention + "output.LayerNorm"),
                linear(weights, prefix + "intermediate.dense"), linear(weights, prefix + "output.dense"),
                norm(weights, prefix + "output.LayerNorm"));
    }

    /** Layers with the same input side by side, as [k, n]. */
    private JavaKernels.Linear linear(ExportedBert weights, String... names) {
        int width = floats(weights, names[0] + ".bias").length;
        int n = width * names.length;
        float[] bias = new float[n];
        float[] joined = null;
        int k = 0;
        for (int i = 0; i < names.length; i++) {
            System.arraycopy(floats(weights, names[i] + ".bias"), 0, bias, i * width, width);
            float[] weight = floats(weights, names[i] + ".weight");
            boolean inOut = weights.inOut(find(weights, names[i] + ".weight"));
            k = weight.length / width;
            joined = joined == null ? new float[k * n] : joined;
            for (int p = 0; p < k; p++) {
                for (int j = 0; j < width; j++) {
                    joined[p * n + i * width + j] = weight[inOut ? p * width + j : j * k + p];
                }
            }
        }
        return kernels.linear(joined, bias, k, n);
    }

    @Override
    public String version() {
        return name + ", Java " + Runtime.version().feature();
    }

    @Override
    public void run() {
        embed();
        for (Layer layer : layers) {
            layer.qkv().apply(x, wide, rows);
            for (int i = 0, first = 0; i < tokens.length; first += tokens[i++].length) {
                kernels.attention(wide, context, first, tokens[i].length, d / headDim, headDim);
            }
            layer.attention().apply(context, y, rows);
            kernels.layerNorm(y, x, layer.attentionNorm().gamma(), layer.attentionNorm().beta(), rows, eps);
            layer.intermediate().apply(y, wide, rows);
            kernels.gelu(wide, rows * dFf);
            layer.output().apply(wide, x, rows);
            kernels.layerNorm(x, y, layer.outputNorm().gamma(), layer.outputNorm().beta(), rows, eps);
        }
        pool();
    }

    private void embed() {
        int at = 0;
        for (int[] text : tokens) {
            for (int i = 0; i < text.length; i++) {
                for (int j = 0; j < d; j++) {
                    x[at++] = words[text[i] * d + j] + positions[i * d + j] + types[j];
                }
            }
        }
        kernels.layerNorm(x, null, embeddingNorm.gamma(), embeddingNorm.beta(), rows, eps);
    }

    private void pool() {
        Arrays.fill(vectors, 0f);
        int at = 0;
        for (int i = 0; i < tokens.length; i++) {
            for (int row = 0; row < tokens[i].length; row++) {
                for (int j = 0; j < d; j++) {
                    vectors[i * d + j] += x[at++];
                }
            }
            double squares = 0;
            for (int j = 0; j < d; j++) {
                squares += (double) vectors[i * d + j] * vectors[i * d + j];
            }
            for (int j = 0; j < d; j++) {
                vectors[i * d + j] /= (float) Math.sqrt(squares);
            }
        }
    }

    @Override
    public float[] output() {
        return vectors.clone();
    }

    @Override
    public void close() {
        kernels.close();
    }
}
