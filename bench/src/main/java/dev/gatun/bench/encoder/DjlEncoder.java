package dev.gatun.bench.encoder;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import dev.gatun.bench.harness.Contender;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * PyTorch through DJL: the forward in its own operators (embedding, linear, layer_norm, gelu, batched products), without
 * gradients, a scope of memory for each layer, threads set by its properties. Texts padded and masked; pooling left out
 * of its time.
 */
final class DjlEncoder implements Contender {
    private final NDManager manager;
    private final Map<String, NDArray> weights = new HashMap<>();
    private final int[][] tokens;
    private final int longest;
    private final int headDim;
    private final float eps;
    private final NDArray ids;
    private final NDArray mask;
    private final NDArray positions;
    private int layers;

    DjlEncoder(Path model, int[][] tokens, int threads) {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(threads));
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        this.tokens = tokens;
        this.longest = Arrays.stream(tokens).mapToInt(row -> row.length).max().orElse(0);
        manager = Engine.getEngine("PyTorch").newBaseManager();
        try (Arena arena = Arena.ofShared()) {
            ExportedBert source = new ExportedBert(model, arena);
            headDim = (int) source.headDim().orElseThrow();
            eps = (float) source.layerNormEps().orElse(1e-12);
            for (String name : source.names()) {
                if (name.endsWith(".weight") || name.endsWith(".bias")) {
                    long[] dims = new long[source.entry(name).shape().rank()];
                    Arrays.setAll(dims, i -> source.entry(name).shape().dim(i));
                    NDArray value = manager.create(source.floats(name), new Shape(dims));
                    weights.put(name, source.inOut(name) ? value.transpose().duplicate() : value);
                }
            }
        }
        while (weights.containsKey("encoder.layer." + layers + ".output.dense.bias")) {
            layers++;
        }
        positions = weights.get("embeddings.position_embeddings.weight").get(":" + longest)
                .add(weights.get("embeddings.token_type_embeddings.weight").get(0));
        long[] padded = new long[tokens.length * longest];
        float[] hidden = new float[tokens.length * longest];
        for (int i = 0; i < tokens.length; i++) {
            for (int j = 0; j < longest; j++) {
                padded[i * longest + j] = j < tokens[i].length ? tokens[i][j] : 0;
                hidden[i * longest + j] = j < tokens[i].length ? 0 : -1e9f;
            }
        }
        ids = manager.create(padded, new Shape(tokens.length, longest));
        mask = manager.create(hidden, new Shape(tokens.length, 1, 1, longest));
    }

    private NDArray linear(NDArray x, String name) {
        return x.getNDArrayInternal().linear(x, weights.get(name + ".weight"), weights.get(name + ".bias")).singletonOrThrow();
    }

    private NDArray norm(NDArray x, String name) {
        NDArray gamma = weights.get(name + ".weight");
        return x.getNDArrayInternal().layerNorm(x, gamma.getShape(), gamma, weights.get(name + ".bias"), eps).singletonOrThrow();
    }

    private NDArray heads(NDArray x) {
        return x.reshape(tokens.length, longest, -1, headDim).transpose(0, 2, 1, 3);
    }

    private NDArray forward(NDManager scope) {
        ids.attach(scope);
        NDArray words = ids.getNDArrayInternal()
                .embedding(ids, weights.get("embeddings.word_embeddings.weight"), SparseFormat.DENSE).singletonOrThrow();
        NDArray x = norm(words.add(positions), "embeddings.LayerNorm");
        for (int i = 0; i < layers; i++) {
            try (NDManager temporary = scope.newSubManager()) {
                x.attach(temporary);
                x = layer(x, "encoder.layer." + i + ".");
                x.attach(scope);
            }
        }
        ids.attach(manager);
        return x;
    }

    private NDArray layer(NDArray x, String layer) {
        String attention = layer + "attention.";
        NDArray scores = heads(linear(x, attention + "self.query"))
                .matMul(heads(linear(x, attention + "self.key")).transpose(0, 1, 3, 2))
                .mul((float) (1 / Math.sqrt(headDim))).add(mask).softmax(-1);
        NDArray context = scores.matMul(heads(linear(x, attention + "self.value")))
                .transpose(0, 2, 1, 3).reshape(tokens.length, longest, -1);
        NDArray y = norm(linear(context, attention + "output.dense").add(x), attention + "output.LayerNorm");
        NDArray wide = linear(y, layer + "intermediate.dense").getNDArrayInternal().gelu();
        return norm(linear(wide, layer + "output.dense").add(y), layer + "output.LayerNorm");
    }

    @Override
    public String version() {
        return "DJL, PyTorch " + Engine.getEngine("PyTorch").getVersion();
    }

    @Override
    public void run() {
        try (NDManager scope = manager.newSubManager()) {
            forward(scope);
        }
    }

    @Override
    public float[] output() {
        float[] hidden;
        try (NDManager scope = manager.newSubManager()) {
            hidden = forward(scope).toFloatArray();
        }
        int d = hidden.length / (tokens.length * longest);
        float[] vectors = new float[tokens.length * d];
        for (int i = 0; i < tokens.length; i++) {
            double squares = 0;
            for (int k = 0; k < d; k++) {
                double sum = 0;
                for (int j = 0; j < tokens[i].length; j++) {
                    sum += hidden[(i * longest + j) * d + k];
                }
                vectors[i * d + k] = (float) sum;
                squares += sum * sum;
            }
            for (int k = 0; k < d; k++) {
                vectors[i * d + k] /= (float) Math.sqrt(squares);
            }
        }
        return vectors;
    }

    @Override
    public void close() {
        manager.close();
    }
}
