package dev.gatun.bench.generation;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.SparseFormat;
import dev.gatun.bench.harness.Contender;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * PyTorch through DJL: its own operators, cross-attention's keys and values once, a cache that is concatenated and, for beams,
 * gathered; a scope of memory for each step, threads set by its properties. Unequal sources are padded and masked.
 */
final class DjlGeneration implements Contender {
    private final Shape shape;
    private final int batch;
    private final int beamCount;
    private final int steps;
    private final NDManager manager;
    private final Map<String, NDArray> weights = new HashMap<>();
    private final NDArray ids;
    private final NDArray mask;
    private final NDArray rows;
    private final NDArray positions;
    private Beams beams = new Beams();

    DjlGeneration(Shape shape, List<int[]> sources, int beamCount, int steps, int threads) {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(threads));
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        this.shape = shape;
        this.batch = sources.size();
        this.beamCount = beamCount;
        this.steps = steps;
        manager = Engine.getEngine("PyTorch").newBaseManager();
        shape.weights().forEach(this::put);
        int longest = sources.stream().mapToInt(s -> s.length).max().orElse(0);
        long[] padded = new long[batch * longest];
        float[] hidden = new float[padded.length];
        for (int i = 0; i < padded.length; i++) {
            int[] source = sources.get(i / longest);
            boolean there = i % longest < source.length;
            padded[i] = there ? source[i % longest] : 0;
            hidden[i] = there ? 0 : -1e9f;
        }
        long[] expanded = new long[batch * beamCount];
        Arrays.setAll(expanded, i -> i / beamCount);
        ids = manager.create(padded, dims(batch, longest));
        mask = manager.create(hidden, dims(batch, 1, 1, longest));
        rows = manager.create(expanded);
        float[] table = shape.positions();
        positions = manager.create(table, dims(table.length / shape.dModel(), shape.dModel()));
    }

    private static ai.djl.ndarray.types.Shape dims(long... dims) {
        return new ai.djl.ndarray.types.Shape(dims);
    }

    private void put(String name, float[] values) {
        int d = shape.dModel();
        if (name.endsWith("in_proj_weight") || name.endsWith("in_proj_bias")) {
            // [3 d] and [d, 2 d]: self-attention reads all, cross-attention queries and the rest apart.
            int columns = name.endsWith("weight") ? d : 1;
            weights.put(name, matrix(values, 3 * d, columns));
            weights.put(name + ".q", matrix(Arrays.copyOf(values, d * columns), d, columns));
            weights.put(name + ".kv", matrix(Arrays.copyOfRange(values, d * columns, 3 * d * columns), 2 * d, columns));
        } else if (name.endsWith("linear2.weight")) {
            weights.put(name, matrix(values, d, shape.dFf()));
        } else {
            boolean vector = name.endsWith("bias") || name.contains("norm");
            weights.put(name, vector ? manager.create(values) : matrix(values, values.length / d, d));
        }
    }

    private NDArray matrix(float[] values, int count, int columns) {
        return columns == 1 ? manager.create(values) : manager.create(values, dims(count, columns));
    }

    private NDArray linear(NDArray x, String weight, String bias) {
        return x.getNDArrayInternal().linear(x, weights.get(weight), weights.get(bias)).singletonOrThrow();
    }

    private NDArray linear(NDArray x, String name) {
        return linear(x, name + ".weight", name + ".bias");
    }

    private NDArray norm(NDArray x, String name) {
        NDArray gamma = weights.get(name + ".weight");
        return x.getNDArrayInternal().layerNorm(x, gamma.getShape(), gamma, weights.get(name + ".bias"), 1e-5f).singletonOrThrow();
    }

    private NDArray heads(NDArray x) {
        return x.reshape(x.getShape().get(0), -1, shape.heads(), shape.headDim()).transpose(0, 2, 1, 3);
    }

    private NDArray attention(NDArray q, NDArray k, NDArray v, NDArray hidden) {
        NDArray scores = q.mul((float) (1 / Math.sqrt(shape.headDim()))).matMul(k.transpose(0, 1, 3, 2));
        NDArray context = (hidden == null ? scores : scores.add(hidden)).softmax(-1).matMul(v);
        return context.transpose(0, 2, 1, 3).reshape(q.getShape().get(0), -1, shape.dModel());
    }

    private NDArray feedForward(NDArray x, String name) {
        return linear(linear(x, name + ".linear1").getNDArrayInternal().relu(), name + ".linear2");
    }

    private NDArray embedded(NDArray tokens, NDArray places) {
        NDArray words = tokens.getNDArrayInternal().embedding(tokens, weights.get("encoder.embed_tokens.weight"), SparseFormat.DENSE)
                .singletonOrThrow();
        return words.mul((float) Math.sqrt(shape.dModel())).add(places);
    }

    /** Keys and values of cross-attention for each row and layer, and the mask, in the scope. */
    private NDArray[] encode(NDManager scope) {
        NDArray[] cross = new NDArray[2 * shape.layers() + 1];
        try (NDManager temporary = scope.newSubManager()) {
            NDArray tokens = ids.duplicate();
            tokens.attach(temporary);
            NDArray x = embedded(tokens, positions.get(":" + ids.getShape().get(1)));
            for (int i = 0; i < shape.layers(); i++) {
                String name = "transformer.encoder.layers." + i;
                NDList qkv = linear(x, name + ".self_attn.in_proj_weight", name + ".self_attn.in_proj_bias").split(3, 2);
                NDArray context = attention(heads(qkv.get(0)), heads(qkv.get(1)), heads(qkv.get(2)), mask);
                x = norm(linear(context, name + ".self_attn.out_proj").add(x), name + ".norm1");
                x = norm(feedForward(x, name).add(x), name + ".norm2");
            }
            x = norm(x, "transformer.encoder.norm");
            for (int i = 0; i < shape.layers(); i++) {
                String name = "transformer.decoder.layers." + i + ".multihead_attn";
                NDList kv = linear(x, name + ".in_proj_weight.kv", name + ".in_proj_bias.kv").split(2, 2);
                cross[2 * i] = keep(scope, selected(heads(kv.get(0)), rows));
                cross[2 * i + 1] = keep(scope, selected(heads(kv.get(1)), rows));
            }
            NDArray own = mask.duplicate();
            own.attach(temporary);
            cross[2 * shape.layers()] = keep(scope, selected(own, rows));
        }
        return cross;
    }

    private static NDArray keep(NDManager scope, NDArray x) {
        x.attach(scope);
        return x;
    }

    private static NDArray selected(NDArray x, NDArray index) {
        return x.get(new NDIndex("{}", index));
    }

    private NDArray decode(NDManager scope, NDArray tokens, int position, NDArray[] cross, NDArray[] cache) {
        NDArray x = embedded(tokens, positions.get(position)).expandDims(1);
        for (int i = 0; i < shape.layers(); i++) {
            String name = "transformer.decoder.layers." + i;
            NDList qkv = linear(x, name + ".self_attn.in_proj_weight", name + ".self_attn.in_proj_bias").split(3, 2);
            for (int j = 0; j < 2; j++) {
                NDArray now = heads(qkv.get(1 + j));
                NDArray past = cache[2 * i + j];
                cache[2 * i + j] = keep(scope, past == null ? now.duplicate() : past.concat(now, 2));
                if (past != null) {
                    past.close();
                }
            }
            NDArray context = attention(heads(qkv.get(0)), cache[2 * i], cache[2 * i + 1], null);
            x = norm(linear(context, name + ".self_attn.out_proj").add(x), name + ".norm1");
            String attention = name + ".multihead_attn";
            NDArray q = heads(linear(x, attention + ".in_proj_weight.q", attention + ".in_proj_bias.q"));
            context = attention(q, cross[2 * i], cross[2 * i + 1], cross[2 * shape.layers()]);
            x = norm(linear(context, attention + ".out_proj").add(x), name + ".norm2");
            x = norm(feedForward(x, name).add(x), name + ".norm3");
        }
        x = norm(x, "transformer.decoder.norm").squeeze(1);
        return linear(x, "encoder.embed_tokens.weight", "lm_head.bias");
    }

    @Override
    public String version() {
        return "DJL, PyTorch " + Engine.getEngine("PyTorch").getVersion();
    }

    @Override
    public void run() {
        beams = new Beams();
        try (NDManager scope = manager.newSubManager()) {
            NDArray[] cross = encode(scope);
            NDArray[] cache = new NDArray[2 * shape.layers()];
            long[] tokens = new long[batch * beamCount];
            Arrays.fill(tokens, Shape.START);
            float[] scores = new float[tokens.length];
            for (int i = 0; i < scores.length; i++) {
                scores[i] = i % beamCount == 0 ? 0 : -1e9f;
            }
            for (int i = 0; i < steps; i++) {
                try (NDManager step = scope.newSubManager()) {
                    NDArray logits = decode(scope, step.create(tokens), i, cross, cache);
                    if (beamCount == 1) {
                        tokens = logits.argMax(1).toLongArray();
                        beams.add(tokens, null);
                    } else {
                        tokens = advance(scope, step, logits, scores, cache);
                    }
                }
            }
        }
    }

    /** The best continuations; scores and cache become theirs. */
    private long[] advance(NDManager scope, NDManager step, NDArray logits, float[] scores, NDArray[] cache) {
        NDArray all = logits.logSoftmax(1).add(step.create(scores, dims(scores.length, 1))).reshape(batch, -1);
        NDList best = all.topK(beamCount, 1, true, true);
        System.arraycopy(best.get(0).toFloatArray(), 0, scores, 0, scores.length);
        long[] places = best.get(1).toType(DataType.INT64, false).toLongArray();
        long[] tokens = new long[places.length];
        long[] parents = new long[places.length];
        for (int i = 0; i < places.length; i++) {
            tokens[i] = places[i] % shape.vocabSize();
            parents[i] = places[i] / shape.vocabSize() + i / beamCount * (long) beamCount;
        }
        beams.add(tokens, parents);
        NDArray index = step.create(parents);
        for (int i = 0; i < cache.length; i++) {
            NDArray past = cache[i];
            cache[i] = keep(scope, selected(past, index));
            past.close();
        }
        return tokens;
    }

    @Override
    public float[] output() {
        return GenerationSuite.compared(beams.bestOfAll(batch, beamCount), steps);
    }

    @Override
    public void close() {
        manager.close();
    }
}
