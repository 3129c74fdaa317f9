package dev.gatun.models.family.transformer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.family.transformer.TransformerForward.ForwardShape;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextbookTransformerTest {

    @ParameterizedTest
    @ValueSource(strings = {"encoder-post-relu", "encoder-post-gelu-batch-first", "encoder-pre-gelu", "encoder-pre-relu-batch-first",
        "decoder-post-relu", "decoder-post-gelu-batch-first", "decoder-pre-gelu", "decoder-pre-relu-batch-first",
        "transformer-post-relu", "transformer-pre-gelu-batch-first", "continuous-shared", "continuous-separate-pre-gelu"})
    void agreesWithPyTorchInEveryRun(String name) {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile file = Goldens.open(arena, "transformer/textbook/" + name + ".safetensors");
            try (TextbookTransformer model = load(file)) {
                for (String run : file.metadata().get("runs").split(",")) {
                    for (int threads = 1; threads <= 2; threads++) {
                        try {
                            check(arena, file, model, "run." + run + ".", threads);
                        } catch (AssertionError | RuntimeException e) {
                            throw new AssertionError(run + ": " + e.getMessage(), e);
                        }
                    }
                }
            }
        }
    }

    private static TextbookTransformer load(SafetensorsFile file) {
        Map<String, String> m = file.metadata();
        TransformerConfig config = config(m);
        WeightScope scope = WeightScope.of(file);
        return switch (m.get("kind")) {
            case "encoder" -> TextbookTransformer.encoder(scope, config);
            case "decoder" -> TextbookTransformer.decoder(scope, config);
            case "transformer" -> TextbookTransformer.transformer(scope, config);
            default -> TextbookTransformer.continuous(scope, config, new TextbookTransformer.Continuous(number(m, "input_dim"),
                    number(m, "output_dim"), Boolean.parseBoolean(m.get("shared_embedding"))));
        };
    }

    private static TransformerConfig config(Map<String, String> m) {
        return new TransformerConfig(number(m, "d_model"), number(m, "num_heads"), number(m, "num_encoder_layers"),
                number(m, "num_decoder_layers"), number(m, "d_ff"), m.get("activation").equals("relu") ? Activation.RELU
                        : Activation.GELU_ERF,
                Boolean.parseBoolean(m.get("norm_first")), Float.parseFloat(m.get("layer_norm_eps")),
                        Boolean.parseBoolean(m.get("final_norm")));
    }

    private static int number(Map<String, String> metadata, String name) {
        return Integer.parseInt(metadata.get(name));
    }

    private static void check(Arena arena, SafetensorsFile file, TextbookTransformer model, String run, int threads) {
        boolean batchFirst = Boolean.parseBoolean(file.metadata().get("batch_first"));
        Set<String> inputs = new TreeSet<>();
        Set<String> masks = new TreeSet<>();
        for (String name : file.names()) {
            String input = name.startsWith(run) ? name.substring(run.length()) : "expected";
            if (!input.equals("expected")) {
                inputs.add(input);
                if (input.contains("mask")) {
                    masks.add(input);
                }
            }
        }
        int src = length(file, run, inputs.contains("memory") ? "memory" : "src", batchFirst);
        int tgt = inputs.contains("tgt") ? length(file, run, "tgt", batchFirst) : 0;
        Shape expected = file.entry(run + "expected").shape();
        try (TransformerForward forward = model.compile(new ForwardShape((int) expected.dim(batchFirst ? 0 : 1), src, tgt, batchFirst,
                masks, threads))) {
            assertEquals(new TreeSet<>(forward.inputs()), inputs);
            for (String input : inputs) {
                boolean bytes = file.entry(run + input).type().equals("U8");
                TensorDesc desc = TensorDesc.of(bytes ? DataType.U8 : DataType.F32, file.entry(run + input).shape().dims());
                Tensor copy = Tensor.allocate(arena, desc);
                copy.segment().copyFrom(file.entry(run + input).bytes());
                forward.set(input, copy);
            }
            Tensor result = Tensor.allocate(arena, TensorDesc.of(DataType.F32, expected.dims()));
            for (int i = 0; i < 2; i++) {
                forward.execute();
                forward.result(result);
                Reference.assertClose(Reference.widen(Goldens.floats(file, run + "expected")), result.toFloats(), 1e-5);
            }
        }
    }

    private static int length(SafetensorsFile file, String run, String input, boolean batchFirst) {
        return (int) file.entry(run + input).shape().dim(batchFirst ? 1 : 0);
    }

    @Test
    void wrongMasksAndMissingTensorsAreRefusedByName() {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile file = Goldens.open(arena, "transformer/textbook/encoder-post-relu.safetensors");
            TransformerConfig config = config(file.metadata());
            try (TextbookTransformer model = TextbookTransformer.encoder(WeightScope.of(file), config);
                    TransformerForward forward = model.compile(new ForwardShape(2, 7, 0, false, Set.of("mask", "src_key_padding_mask"),
                            1))) {
                ShapeException e = assertThrows(ShapeException.class,
                        () -> forward.set("mask", Tensor.allocate(arena, TensorDesc.of(DataType.F32, 7, 8))));
                assertEquals("Transformer: mask F32 [7, 8], expected F32 [7, 7]", e.getMessage());
                e = assertThrows(ShapeException.class,
                        () -> forward.set("src_key_padding_mask", Tensor.allocate(arena, TensorDesc.of(DataType.U8, 7, 2))));
                assertEquals("Transformer: src_key_padding_mask U8 [7, 2], expected U8 [2, 7]", e.getMessage());
                assertThrows(ShapeException.class, () -> forward.set("src", Tensor.allocate(arena, TensorDesc.of(DataType.F32, 2, 7, 20))));
                assertThrows(IllegalArgumentException.class, () ->
                        forward.set("tgt", Tensor.allocate(arena, TensorDesc.of(DataType.F32, 1))));
                assertThrows(IllegalArgumentException.class, () -> model.compile(new ForwardShape(2, 7, 0, false, Set.of("tgt_mask"), 1)));
                forward.close();
                assertThrows(IllegalStateException.class, forward::execute);
            }
            WeightException missing = assertThrows(WeightException.class, () -> TextbookTransformer.encoder(WeightScope.of(file),
                    new TransformerConfig(20, 5, 3, 0, 33, Activation.RELU, false, 1e-5f, false)));
            assertTrue(missing.getMessage().contains("has no tensor layers.2.self_attn.in_proj_weight"), missing.getMessage());
            assertThrows(IllegalArgumentException.class, () -> TransformerConfig.of(20, 3, 1, 1));
            assertEquals(2048, TransformerConfig.of(20, 4, 1, 1).dFf());
        }
    }
}
