package dev.gatun.models.runtime;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.family.cnn.TextbookCnn;
import dev.gatun.models.family.cnn.TextbookCnnConfig;
import dev.gatun.models.family.resnet.ResNet;
import dev.gatun.models.family.resnet.ResNetConfig;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.family.transformer.TextbookTransformer;
import dev.gatun.models.family.transformer.TransformerConfig;
import dev.gatun.models.family.transformer.TransformerForward;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerationRun;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.generate.TokenListener;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.OnnxSession;
import dev.gatun.models.onnx.OnnxTensor;
import dev.gatun.models.onnx.OnnxType;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.task.classify.ClassifierOptions;
import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.models.testing.Allocation;
import dev.gatun.models.testing.GeneratedWeights;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.RandomModels;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionSession;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.Activation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Forwards of every family once everything is warm; prints the heap bytes that each window of them takes. See {@link AllocationTest}. */
final class SteadyForwards {
    private static final int WINDOWS = 10;
    private static final int MOST_WINDOWS = 200;
    /** One of each family, and of each way to see the tokens around. */
    static final List<String> ENCODERS = List.of("bert", "bert-causal", "roberta", "distilbert", "albert", "electra", "mpnet", "deberta-v2",
            "t5", "modernbert", "nomic_bert", "gte", "qwen3", "jina-bert");
    private static boolean wasteful;
    static volatile Object sink;

    private SteadyForwards() {
    }

    /** With the argument {@code wasteful} a window takes one small array: what the test must notice. */
    public static void main(String[] args) throws Exception {
        wasteful = args.length > 0;
        try (Arena arena = Arena.ofShared()) {
            for (String family : wasteful ? List.of("bert") : ENCODERS) {
                encoder(arena, family, 1);
            }
            if (wasteful) {
                return;
            }
            encoder(arena, "bert", 2);
            try (VisionModel model = TextbookCnn.load(WeightScope.of(Goldens.open(arena, "cnn/textbook-small/model.safetensors")),
                    TextbookCnnConfig.fromJson(new ObjectMapper().readTree(Goldens.path("cnn/textbook-small/config.json").toFile())))) {
                pictures(arena, "textbook cnn", model, 13);
            }
            WeightScope scope = WeightScope.of(GeneratedWeights.resNet(arena, "", false, 2, 2, 2, 2));
            try (VisionModel model = ResNet.load(scope, ResNetConfig.named("resnet18"))) {
                try (VisionSession session = model.newSession(new dev.gatun.models.vision.VisionSpec.InputSize(32, 32), 1)) {
                    forward(arena, "resnet", session, 1, 1000, 5);
                }
            }
            try (ImageClassifier vit = ImageClassifier.load(Goldens.path("vit/vit"), ClassifierOptions.defaults().withThreads(1))) {
                pictures(arena, "vit", vit.model(), 3);
            }
            try (OnnxModel model = OnnxModel.load(Goldens.path("onnx-pictures/model.onnx")); OnnxSession session = model.newSession(1)) {
                long[] dims = {3, 3, 32, 32};
                Map<String, OnnxTensor> inputs = Map.of(model.inputs().keySet().iterator().next(),
                        OnnxTensor.allocate(arena, OnnxType.FLOAT, dims));
                windows("an ONNX file", () -> session.run(inputs), 100);
            }
            transformer(arena);
            generation();
        }
    }

    private static void encoder(Arena arena, String family, int threads) {
        try (Encoder encoder = Encoders.load(Goldens.path("families/" + family), Head.pooled(Pooling.MEAN, true));
                EncoderSession session = encoder.newSession(threads)) {
            MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, 12);
            for (int i = 0; i < 12; i++) {
                ids.setAtIndex(ValueLayout.JAVA_INT, i, 3 + i % 5);
            }
            MemorySegment offsets = arena.allocateFrom(ValueLayout.JAVA_INT, 0, 5, 12);
            MemorySegment dst = arena.allocate(2L * encoder.spec().hiddenSize() * Float.BYTES, 64);
            windows(family + ", " + threads + " threads", () -> session.forward(ids, offsets, 2, dst), 200);
        }
    }

    private static void pictures(Arena arena, String name, VisionModel model, int count) {
        try (VisionSession session = model.newSession(1)) {
            forward(arena, name, session, count, model.spec().classCount(), 100);
        }
    }

    private static void forward(Arena arena, String name, VisionSession session, int count, long classes, int times) {
        MemorySegment input = arena.allocate(count * session.pictureByteSize(), 64);
        MemorySegment logits = arena.allocate(count * classes * Float.BYTES, 64);
        windows(name, () -> session.forward(input, count, logits), times);
    }

    private static void transformer(Arena arena) {
        SafetensorsFile file = Goldens.open(arena, "transformer/textbook/encoder-post-relu.safetensors");
        Map<String, String> m = file.metadata();
        int d = Integer.parseInt(m.get("d_model"));
        TransformerConfig config = new TransformerConfig(d, Integer.parseInt(m.get("num_heads")),
                Integer.parseInt(m.get("num_encoder_layers")),
                Integer.parseInt(m.get("num_decoder_layers")), Integer.parseInt(m.get("d_ff")), Activation.RELU, false,
                Float.parseFloat(m.get("layer_norm_eps")), Boolean.parseBoolean(m.get("final_norm")));
        try (TextbookTransformer model = TextbookTransformer.encoder(WeightScope.of(file), config);
                TransformerForward forward = model.compile(new TransformerForward.ForwardShape(2, 5, 0, true, Set.of(), 1))) {
            forward.set("src", Tensor.ofFloats(arena, new float[2 * 5 * d], 2, 5, d));
            windows("textbook transformer", forward::execute, 200);
        }
    }

    private static void generation() {
        int length = 1024;
        GenerationOptions.Builder greedy = GenerationOptions.builder().maxLength(length).minLength(length);
        try (Seq2SeqModel model = RandomModels.create(101, 32, 2, length, 0); GenerationSession session = new GenerationSession(model, 1)) {
            for (GenerationOptions options : List.of(greedy.build(), greedy.numBeams(3).build(),
                    GenerationOptions.builder().maxLength(length)
                    .minLength(length).doSample(true).topK(20).topP(0.9).repetitionPenalty(1.2).build())) {
                List<Long> seen = new ArrayList<>();
                // A run ends with its sequence: a few are needed until everything is warm.
                for (int run = 0; run < 8 && !clean(seen); run++) {
                    try (GenerationRun steps = session.start(List.of(new int[] {5, 6, 7, 8}), options, TokenListener.NONE)) {
                        for (int i = 0; i < 100; i++) {
                            steps.step();
                        }
                        for (int i = 0; i < 20; i++) {
                            window(seen, steps::step, 40);
                        }
                    }
                }
                report("generation " + (options.numBeams() > 1 ? "by beams" : options.doSample() ? "by sampling" : "greedy"), seen);
            }
        }
    }

    private static void windows(String name, Runnable forward, int times) {
        List<Long> seen = new ArrayList<>();
        while (seen.size() < MOST_WINDOWS && !clean(seen)) {
            window(seen, forward, times);
        }
        report(name, seen);
    }

    private static void window(List<Long> seen, Runnable forward, int times) {
        long before = Allocation.bytes();
        for (int i = 0; i < times; i++) {
            forward.run();
        }
        if (wasteful) {
            sink = new byte[1];
        }
        long after = Allocation.bytes();
        seen.add(after - before);
    }

    private static boolean clean(List<Long> seen) {
        return seen.size() >= WINDOWS && seen.subList(seen.size() - WINDOWS, seen.size()).stream().allMatch(bytes -> bytes == 0);
    }

    private static void report(String name, List<Long> seen) {
        List<Long> last = seen.subList(Math.max(0, seen.size() - 2 * WINDOWS), seen.size());
        System.out.println((clean(seen) ? "clean " : "dirty ") + name + " after " + seen.size() + " windows: " + last);
    }
}
