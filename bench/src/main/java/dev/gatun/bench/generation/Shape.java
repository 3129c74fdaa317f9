package dev.gatun.bench.generation;

import dev.gatun.bench.harness.Workload;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * Sizes of a Transformer, and its weights by the names of {@code nn.Transformer}, made from a seed: post-norm, ReLU, one table of
 * embeddings for everything, sinusoidal positions. The end of a sequence is never the best token.
 */
record Shape(int layers, int dModel, int heads, int dFf, int vocabSize) {
    /** Transformer-base of Vaswani et al. 2017. */
    static final Shape BASE = new Shape(6, 512, 8, 2048, 32_000);

    static final int START = 1;
    static final int END = 2;
    private static final int FIRST_WORD = 3;
    private static final int POSITIONS = 256;

    int headDim() {
        return dModel / heads;
    }

    /** Bytes of weights that a step of the decoder reads. */
    long stepBytes() {
        return Float.BYTES * ((long) layers * (6L * dModel * dModel + 2L * dModel * dFf) + (long) vocabSize * dModel);
    }

    /** Source lengths spread from 16 to 32, as unequal as a batch of sentences; all 24 alone. */
    List<int[]> sources(int batch) {
        Random random = new Random(3);
        List<int[]> sources = new ArrayList<>();
        for (int i = 0; i < batch; i++) {
            int length = batch == 1 ? 24 : 16 + 16 * i / (batch - 1);
            sources.add(random.ints(length, FIRST_WORD, vocabSize).toArray());
        }
        return sources;
    }

    /** So many of 5 to 60 tokens, in no order. */
    List<int[]> sentences(int count) {
        Random random = new Random(4);
        List<int[]> sentences = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            sentences.add(random.ints(5 + random.nextInt(56), FIRST_WORD, vocabSize).toArray());
        }
        return sentences;
    }

    Map<String, float[]> weights() {
        Map<String, float[]> weights = new LinkedHashMap<>();
        uniform(weights, "encoder.embed_tokens.weight", 1.7f / Math.sqrt(dModel), (long) vocabSize * dModel);
        float[] bias = uniform(weights, "lm_head.bias", 0.1, vocabSize);
        bias[0] = -1e4f;
        bias[START] = -1e4f;
        bias[END] = -1e4f;
        for (int i = 0; i < layers; i++) {
            layer(weights, "transformer.encoder.layers." + i, false);
            layer(weights, "transformer.decoder.layers." + i, true);
        }
        norm(weights, "transformer.encoder.norm");
        norm(weights, "transformer.decoder.norm");
        return weights;
    }

    private void layer(Map<String, float[]> weights, String name, boolean cross) {
        attention(weights, name + ".self_attn");
        if (cross) {
            attention(weights, name + ".multihead_attn");
            norm(weights, name + ".norm3");
        }
        linear(weights, name + ".linear1", dModel, dFf);
        linear(weights, name + ".linear2", dFf, dModel);
        norm(weights, name + ".norm1");
        norm(weights, name + ".norm2");
    }

    private void attention(Map<String, float[]> weights, String name) {
        uniform(weights, name + ".in_proj_weight", 1.7 / Math.sqrt(dModel), 3L * dModel * dModel);
        uniform(weights, name + ".in_proj_bias", 0.1, 3L * dModel);
        linear(weights, name + ".out_proj", dModel, dModel);
    }

    private static void linear(Map<String, float[]> weights, String name, int in, int out) {
        uniform(weights, name + ".weight", 1.7 / Math.sqrt(in), (long) in * out);
        uniform(weights, name + ".bias", 0.1, out);
    }

    private void norm(Map<String, float[]> weights, String name) {
        float[] gamma = uniform(weights, name + ".weight", 0.2, dModel);
        for (int i = 0; i < gamma.length; i++) {
            gamma[i] += 1;
        }
        uniform(weights, name + ".bias", 0.1, dModel);
    }

    private static float[] uniform(Map<String, float[]> weights, String name, double limit, long count) {
        SplittableRandom random = new SplittableRandom(name.hashCode());
        float[] values = new float[Math.toIntExact(count)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-limit, limit);
        }
        weights.put(name, values);
        return values;
    }

    /** pos[p][2i] = sin(p / 10000^(2i / d)), pos[p][2i + 1] = cos of it. */
    float[] positions() {
        float[] table = new float[POSITIONS * dModel];
        for (int i = 0; i < table.length; i++) {
            int j = i % dModel;
            double angle = i / dModel / Math.pow(10_000, (double) (j - j % 2) / dModel);
            table[i] = (float) (j % 2 == 0 ? Math.sin(angle) : Math.cos(angle));
        }
        return table;
    }

    /** Columns first: PyTorch stores [out, in]. */
    static float[] transposed(float[] weight, int from, int rows, int in) {
        float[] result = new float[rows * in];
        for (int o = 0; o < rows; o++) {
            for (int i = 0; i < in; i++) {
                result[i * rows + o] = weight[(from + o) * in + i];
            }
        }
        return result;
    }

    static float[] part(float[] values, int from, int count) {
        return java.util.Arrays.copyOfRange(values, from, from + count);
    }

    /** The files of the model, made when first asked for: for us a folder as we load it, for ONNX Runtime two graphs or three. */
    Path folder() throws IOException {
        Path work = Path.of(System.getProperty("gatun.bench.work", "bench/target/work"));
        Path folder = work.resolve("transformer-" + layers + "-" + dModel + "-" + vocabSize);
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(work);
            Path temporary = Files.createTempDirectory(work, "transformer");
            write(temporary);
            Files.move(temporary, folder);
        }
        return folder;
    }

    private void write(Path folder) throws IOException {
        Map<String, float[]> weights = weights();
        Files.writeString(folder.resolve("config.json"), """
                {"architecture": "seq2seq-transformer", "vocab_size": %d, "d_model": %d, "num_heads": %d, "d_ff": %d,
                 "num_encoder_layers": %d, "num_decoder_layers": %d, "activation": "relu", "norm_first": false, "max_positions": %d,
                 "positions": "sinusoidal", "scale_embedding": true, "tie_embeddings": true, "pad_token_id": 0, "bos_token_id": %d,
                 "eos_token_id": %d, "decoder_start_token_id": %d, "tokenizer": "none"}
                """.formatted(vocabSize, dModel, heads, dFf, layers, layers, POSITIONS, START, END, START));
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            weights.forEach((name, values) -> tensors.put(name, Tensor.ofFloats(arena, values, dims(name, values.length))));
            SafetensorsWriter.write(folder.resolve("model.safetensors"), tensors, Map.of());
        }
        new OnnxSeq2Seq(this, weights).write(folder);
    }

    private long[] dims(String name, long length) {
        if (name.endsWith("linear2.weight")) {
            return new long[] {dModel, dFf};
        }
        boolean matrix = name.endsWith("in_proj_weight") || name.endsWith("embed_tokens.weight") || name.endsWith("out_proj.weight")
                || name.endsWith("linear1.weight");
        return matrix ? new long[] {length / dModel, dModel} : new long[] {length};
    }

    /** The shape that a workload asks for. */
    static Shape of(Workload workload) {
        return new Shape(workload.get("layers"), workload.get("dModel"), workload.get("heads"), workload.get("dFf"),
                workload.get("vocabSize"));
    }
}
