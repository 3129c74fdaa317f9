package dev.gatun.models.testing;

import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.family.transformer.Seq2SeqConfig;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.family.transformer.TransformerConfig;
import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.Activation;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/** Token models with random weights, of any size: for what does not depend on what a model has learnt. */
public final class RandomModels {
    private RandomModels() {
    }

    /**
     * A model of 2 + 2 layers, dFf twice dModel.
     *
     * @param poison the LM head's bias of token 3, unless it is 0
     */
    public static Seq2SeqModel create(int vocabSize, int dModel, int heads, int maxPositions, float poison) {
        TransformerConfig transformer = new TransformerConfig(dModel, heads, 2, 2, 2 * dModel, Activation.RELU, true, 1e-5f, true);
        GenerativeModel.Tokens tokens = new GenerativeModel.Tokens(vocabSize, maxPositions, 0, 1, 2, 1);
        Seq2SeqConfig config = new Seq2SeqConfig(transformer, tokens, false, true, true, "none");
        try (Arena arena = Arena.ofShared()) {
            Weights weights = weights(arena, vocabSize, dModel);
            if (poison != 0) {
                weights.tensors.get("lm_head.bias").setFloat(3, poison);
            }
            return Seq2SeqModel.load(weights, config, Precision.F32);
        }
    }

    /** Writes the same model to a folder. */
    public static void write(Path folder, int vocabSize, int dModel, int heads, int maxPositions) throws IOException {
        Files.writeString(folder.resolve("config.json"), """
                {"architecture": "seq2seq-transformer", "vocab_size": %d, "d_model": %d, "num_heads": %d, "d_ff": %d,
                 "num_encoder_layers": 2, "num_decoder_layers": 2, "activation": "relu", "norm_first": true, "max_positions": %d,
                 "positions": "sinusoidal", "tie_embeddings": true, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
                 "decoder_start_token_id": 1, "tokenizer": "none"}
                """.formatted(vocabSize, dModel, heads, 2 * dModel, maxPositions));
        try (Arena arena = Arena.ofShared()) {
            SafetensorsWriter.write(folder.resolve("model.safetensors"), weights(arena, vocabSize, dModel).tensors, Map.of());
        }
    }

    private static Weights weights(Arena arena, int vocabSize, int dModel) {
        Weights weights = new Weights(arena);
        weights.add("encoder.embed_tokens.weight", 0.5f, vocabSize, dModel);
        weights.add("lm_head.bias", 0.5f, vocabSize);
        for (int i = 0; i < 2; i++) {
            weights.layer("transformer.encoder.layers." + i, dModel, false);
            weights.layer("transformer.decoder.layers." + i, dModel, true);
        }
        weights.norm("transformer.encoder.norm", dModel);
        weights.norm("transformer.decoder.norm", dModel);
        return weights;
    }

    /** Named random tensors. */
    private static final class Weights implements WeightSource {
        private final Arena arena;
        private final Random random = new Random(7);
        private final Map<String, Tensor> tensors = new LinkedHashMap<>();

        Weights(Arena arena) {
            this.arena = arena;
        }

        void layer(String name, int d, boolean cross) {
            attention(name + ".self_attn", d);
            if (cross) {
                attention(name + ".multihead_attn", d);
                norm(name + ".norm3", d);
            }
            linear(name + ".linear1", d, 2 * d);
            linear(name + ".linear2", 2 * d, d);
            norm(name + ".norm1", d);
            norm(name + ".norm2", d);
        }

        void attention(String name, int d) {
            add(name + ".in_proj_weight", (float) (1.7 / Math.sqrt(d)), 3 * d, d);
            add(name + ".in_proj_bias", 0.1f, 3 * d);
            linear(name + ".out_proj", d, d);
        }

        void linear(String name, int in, int out) {
            add(name + ".weight", (float) (1.7 / Math.sqrt(in)), out, in);
            add(name + ".bias", 0.1f, out);
        }

        void norm(String name, int d) {
            add(name + ".weight", 1f, d);
            add(name + ".bias", 0.1f, d);
        }

        void add(String name, float scale, long... dims) {
            long count = 1;
            for (long dim : dims) {
                count *= dim;
            }
            float[] values = new float[Math.toIntExact(count)];
            for (int i = 0; i < values.length; i++) {
                values[i] = (random.nextFloat() * 2 - 1) * scale;
            }
            tensors.put(name, Tensor.ofFloats(arena, values, dims));
        }

        @Override
        public Arena arena() {
            return arena;
        }

        @Override
        public Set<String> names() {
            return tensors.keySet();
        }

        @Override
        public Entry entry(String name) {
            Tensor tensor = tensors.get(name);
            return new Entry("F32", tensor.shape(), tensor.segment());
        }

        @Override
        public Path file(String name) {
            return Path.of("random");
        }

        @Override
        public Tensor floats(String name) {
            return tensors.get(name);
        }
    }
}
