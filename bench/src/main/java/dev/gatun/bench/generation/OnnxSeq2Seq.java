package dev.gatun.bench.generation;

import dev.gatun.bench.onnx.OnnxGraphWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The graphs that exporters make of such a model: an encoder, which also computes the keys and values of cross-attention once, and
 * a decoder whose key/value cache comes in as {@code past} and goes out as {@code present}. The choice of the next tokens is part of the
 * decoder, so that no logits leave the runtime: {@code greedy.onnx} ends with ArgMax, {@code beams.onnx} with TopK of the summed
 * log-probabilities, and begins by gathering the cache of the beams that went on.
 */
final class OnnxSeq2Seq {
    private static final int OPSET = 17;

    private final Shape shape;
    private final Map<String, float[]> weights;
    private OnnxGraphWriter graph;

    OnnxSeq2Seq(Shape shape, Map<String, float[]> weights) {
        this.shape = shape;
        this.weights = weights;
    }

    void write(Path folder) throws IOException {
        encoder();
        graph.write(folder.resolve("encoder.onnx"));
        decoder(0);
        graph.write(folder.resolve("greedy.onnx"));
        decoder(OnnxRuntimeGeneration.BEAMS);
        graph.write(folder.resolve("beams.onnx"));
        graph = null;
    }

    /** x times rows from .. from + count of a weight [out, in], plus their biases; x has two dimensions or three. */
    private String linear(String x, String weight, String bias, int from, int count, boolean two) {
        int in = weights.get(weight).length / weights.get(bias).length;
        String w = graph.floats(Shape.transposed(weights.get(weight), from, count, in), in, count);
        String b = graph.floats(Shape.part(weights.get(bias), from, count), count);
        return two ? graph.node("Gemm", x, w, b) : graph.node("Add", graph.node("MatMul", x, w), b);
    }

    private String linear(String x, String name, boolean two) {
        return linear(x, name + ".weight", name + ".bias", 0, weights.get(name + ".bias").length, two);
    }

    private String norm(String x, String name) {
        int d = shape.dModel();
        return graph.node("LayerNormalization", List.of(x, graph.floats(weights.get(name + ".weight"), d),
                graph.floats(weights.get(name + ".bias"), d)), Map.of("axis", -1L, "epsilon", 1e-5f));
    }

    private String transpose(String x, long... order) {
        return graph.node("Transpose", List.of(x), Map.of("perm", order));
    }

    private String reshape(String x, long... dims) {
        return graph.node("Reshape", x, graph.longs(dims, dims.length));
    }

    /** [rows, time, dModel] to [rows, heads, time, headDim]. */
    private String heads(String x) {
        return transpose(reshape(x, 0, 0, shape.heads(), shape.headDim()), 0, 2, 1, 3);
    }

    private String attention(String q, String k, String v, String mask) {
        String scale = graph.floats(new float[] {(float) (1 / Math.sqrt(shape.headDim()))});
        String scores = graph.node("MatMul", graph.node("Mul", q, scale), transpose(k, 0, 1, 3, 2));
        if (mask != null) {
            scores = graph.node("Add", scores, mask);
        }
        return graph.node("MatMul", graph.node("Softmax", List.of(scores), Map.of("axis", -1L)), v);
    }

    private List<String> split(String x, int parts, int axis) {
        return graph.node("Split", List.of(x), parts, Map.of("axis", (long) axis));
    }

    private String feedForward(String x, String name, boolean two) {
        return linear(graph.node("Relu", linear(x, name + ".linear1", two)), name + ".linear2", two);
    }

    private String embedded(String ids, String positions) {
        float[] table = weights.get("encoder.embed_tokens.weight");
        String words = graph.node("Gather", graph.floats(table, shape.vocabSize(), shape.dModel()), ids);
        String scaled = graph.node("Mul", words, graph.floats(new float[] {(float) Math.sqrt(shape.dModel())}));
        float[] positionTable = shape.positions();
        return graph.node("Add", scaled, graph.node("Gather",
                graph.floats(positionTable, positionTable.length / shape.dModel(), shape.dModel()), positions));
    }

    private void encoder() {
        graph = new OnnxGraphWriter(OPSET);
        int d = shape.dModel();
        String ids = graph.input("ids", OnnxGraphWriter.INT64, "batch", "source");
        String positions = graph.input("positions", OnnxGraphWriter.INT64, "source");
        String mask = graph.input("mask", OnnxGraphWriter.FLOAT, "batch", 1, 1, "source");
        String rows = graph.input("rows", OnnxGraphWriter.INT64, "rows");
        String x = embedded(ids, positions);
        for (int i = 0; i < shape.layers(); i++) {
            String name = "transformer.encoder.layers." + i;
            List<String> qkv = split(linear(x, name + ".self_attn.in_proj_weight", name + ".self_attn.in_proj_bias", 0, 3 * d, false), 3,
                    2);
            String context = attention(heads(qkv.get(0)), heads(qkv.get(1)), heads(qkv.get(2)), mask);
            context = reshape(transpose(context, 0, 2, 1, 3), 0, 0, d);
            x = norm(graph.node("Add", x, linear(context, name + ".self_attn.out_proj", false)), name + ".norm1");
            x = norm(graph.node("Add", x, feedForward(x, name, false)), name + ".norm2");
        }
        x = norm(x, "transformer.encoder.norm");
        for (int i = 0; i < shape.layers(); i++) {
            String name = "transformer.decoder.layers." + i + ".multihead_attn";
            List<String> kv = split(linear(x, name + ".in_proj_weight", name + ".in_proj_bias", d, 2 * d, false), 2, 2);
            for (int j = 0; j < 2; j++) {
                cache("Gather", List.of(heads(kv.get(j)), rows), Map.of("axis", 0L), (j == 0 ? "cross_k" : "cross_v") + i, "source");
            }
        }
        graph.named("cross_mask", "Gather", List.of(mask, rows), Map.of("axis", 0L));
        graph.output("cross_mask", OnnxGraphWriter.FLOAT, "rows", 1, 1, "source");
    }

    private void cache(String op, List<String> operands, Map<String, Object> attributes, String name, String length) {
        graph.named(name, op, operands, attributes);
        graph.output(name, OnnxGraphWriter.FLOAT, "rows", shape.heads(), length, shape.headDim());
    }

    private String cacheInput(String name, String length) {
        return graph.input(name, OnnxGraphWriter.FLOAT, "rows", shape.heads(), length, shape.headDim());
    }

    private void decoder(int beams) {
        graph = new OnnxGraphWriter(OPSET);
        int d = shape.dModel();
        String tokens = graph.input("tokens", OnnxGraphWriter.INT64, "rows");
        String position = graph.input("position", OnnxGraphWriter.INT64, 1);
        String crossMask = graph.input("cross_mask", OnnxGraphWriter.FLOAT, "rows", 1, 1, "source");
        String parents = beams == 0 ? null : graph.input("parents", OnnxGraphWriter.INT64, "rows");
        String x = embedded(tokens, position);
        for (int i = 0; i < shape.layers(); i++) {
            String name = "transformer.decoder.layers." + i;
            List<String> qkv = split(linear(x, name + ".self_attn.in_proj_weight", name + ".self_attn.in_proj_bias", 0, 3 * d, true), 3, 1);
            String[] cached = new String[2];
            for (int j = 0; j < 2; j++) {
                String kind = j == 0 ? "k" : "v";
                String past = cacheInput("past_" + kind + i, "past");
                past = parents == null ? past : graph.node("Gather", List.of(past, parents), Map.of("axis", 0L));
                cached[j] = "present_" + kind + i;
                cache("Concat", List.of(past, row(qkv.get(1 + j))), Map.of("axis", 2L), cached[j], "present");
            }
            String context = reshape(attention(row(qkv.get(0)), cached[0], cached[1], null), 0, d);
            x = norm(graph.node("Add", x, linear(context, name + ".self_attn.out_proj", true)), name + ".norm1");
            String cross = name + ".multihead_attn";
            String q = row(linear(x, cross + ".in_proj_weight", cross + ".in_proj_bias", 0, d, true));
            context = reshape(attention(q, cacheInput("cross_k" + i, "source"), cacheInput("cross_v" + i, "source"), crossMask), 0, d);
            x = norm(graph.node("Add", x, linear(context, cross + ".out_proj", true)), name + ".norm2");
            x = norm(graph.node("Add", x, feedForward(x, name, true)), name + ".norm3");
        }
        x = norm(x, "transformer.decoder.norm");
        String logits = linear(x, "encoder.embed_tokens.weight", "lm_head.bias", 0, shape.vocabSize(), true);
        if (beams == 0) {
            graph.named("next", "ArgMax", List.of(logits), Map.of("axis", 1L, "keepdims", 0L));
            graph.output("next", OnnxGraphWriter.INT64, "rows");
        } else {
            bestBeams(logits, beams);
        }
    }

    /** [rows, dModel] to [rows, heads, 1, headDim]. */
    private String row(String x) {
        return reshape(x, 0, shape.heads(), 1, shape.headDim());
    }

    /** Of all continuations of a source's beams the best; first row of each source in {@code firsts}. */
    private void bestBeams(String logits, int beams) {
        String scores = graph.input("scores", OnnxGraphWriter.FLOAT, "batch", beams);
        String firsts = graph.input("firsts", OnnxGraphWriter.INT64, "batch", 1);
        String all = graph.node("Add", graph.node("LogSoftmax", List.of(logits), Map.of("axis", -1L)), reshape(scores, -1, 1));
        List<String> best = graph.node("TopK", List.of(reshape(all, -1, (long) beams * shape.vocabSize()),
                graph.longs(new long[] {beams}, 1)), 2,
                Map.of("axis", -1L, "largest", 1L, "sorted", 1L));
        String vocabSize = graph.longs(new long[] {shape.vocabSize()}, 1);
        graph.named("next_scores", "Identity", List.of(best.get(0)), Map.of());
        graph.output("next_scores", OnnxGraphWriter.FLOAT, "batch", beams);
        String flat = graph.longs(new long[] {-1}, 1);
        graph.named("next", "Reshape", List.of(graph.node("Mod", best.get(1), vocabSize), flat), Map.of());
        graph.output("next", OnnxGraphWriter.INT64, "rows");
        graph.named("next_parents", "Reshape", List.of(graph.node("Add", graph.node("Div", best.get(1), vocabSize), firsts), flat),
                Map.of());
        graph.output("next_parents", OnnxGraphWriter.INT64, "rows");
    }
}
