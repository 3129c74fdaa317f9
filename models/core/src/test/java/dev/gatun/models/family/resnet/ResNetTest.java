package dev.gatun.models.family.resnet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.CheckedWeights;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.models.testing.GeneratedWeights;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.vision.VisionSession;
import dev.gatun.models.vision.VisionSpec.InputSize;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResNetTest {

    @Test
    void weightsAreGeneratedAsInPython() {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "cnn/resnet.safetensors");
            GeneratedWeights weights = GeneratedWeights.resNet(arena, "", true, 3, 4, 6, 3);
            for (String name : new String[] {"conv1.weight", "layer1.0.bn3.weight", "layer4.2.bn2.running_var", "fc.weight"}) {
                float[] head = Goldens.floats(golden, "check.resnet50." + name);
                float[] own = weights.floats(name).toFloats();
                assertArrayEquals(head, java.util.Arrays.copyOf(own, head.length), name);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"18, 2, 2, 2, 2, 1", "34, 3, 4, 6, 3, 2", "50, 3, 4, 6, 3, 1", "101, 3, 4, 23, 3, 1", "152, 3, 8, 36, 3, 2"})
    void agreesWithTorchvision(int depth, int a, int b, int c, int d, int threads) {
        boolean bottleneck = depth >= 50;
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "cnn/resnet.safetensors");
            String prefix = depth == 34 ? "backbone." : "";
            VisionModel loaded;
            try (Arena files = Arena.ofShared()) {
                CheckedWeights weights = new CheckedWeights(GeneratedWeights.resNet(files, prefix, bottleneck, a, b, c, d), true);
                WeightScope scope = WeightScope.locate(weights, "layer1.0.conv1.weight", ResNet.PREFIXES.toArray(String[]::new));
                ResNetConfig config = ResNetConfig.recognize(scope);
                assertEquals(ResNetConfig.named("resnet" + depth), config);
                loaded = ResNet.load(scope, config);
                weights.requireAllUsed("resnet" + depth);
            }
            try (VisionModel model = loaded) {
                check(model, golden, "resnet" + depth, GeneratedWeights.input(arena, "input", 1, 3, 64, 64), threads);
                if (depth == 18 || depth == 50) {
                    check(model, golden, "resnet" + depth + ".odd", GeneratedWeights.input(arena, "input.odd", 2, 3, 97, 75), threads);
                }
            }
        }
    }

    private static void check(VisionModel model, SafetensorsFile golden, String name, Tensor input, int threads) {
        int count = (int) input.shape().dim(0);
        try (Arena arena = Arena.ofShared(); VisionSession session = model.newSession(
                new InputSize((int) input.shape().dim(2), (int) input.shape().dim(3)), threads)) {
            Tensor logits = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count, model.spec().classCount()));
            Tensor features = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count, model.spec().featureCount()));
            session.forward(input.segment(), count, logits.segment(), features.segment());
            Reference.assertClose(Reference.widen(Goldens.floats(golden, name + ".logits")), logits.toFloats(), 1e-5);
            Reference.assertClose(Reference.widen(Goldens.floats(golden, name + ".features")), features.toFloats(), 1e-5);
            float[] once = logits.toFloats();
            session.forward(input.segment(), count, logits.segment());
            assertArrayEquals(once, logits.toFloats(), "a second forward gives the same bits");
        }
    }

    /** Norms, activations and sums are parts of convolutions; the same comes out without fusing, and with channels last throughout. */
    @ParameterizedTest
    @CsvSource({"18, 2, 2, 2, 2, 20", "50, 3, 4, 6, 3, 53"})
    void passesFuseEverythingAndChangeNothing(int depth, int a, int b, int c, int d, int convs) {
        try (Arena arena = Arena.ofShared()) {
            ResNetConfig config = ResNetConfig.named("resnet" + depth).with(3, 32, 1000);
            Graph trunk = ResNet.describe(WeightScope.of(GeneratedWeights.resNet(arena, "", depth == 50, a, b, c, d)), config).trunk();
            Tensor pictures = GeneratedWeights.input(arena, "input.odd", 2, 3, 33, 47);
            Target target = Target.ofRows(1);
            float[] expected;
            try (Program plain = Program.load(new Program.Part(trunk, new Target(1, false))); Session session = plain.newSession(1)) {
                expected = session.run(Map.of(VisionNetwork.PICTURES, pictures)).get(VisionNetwork.ROWS).toFloats();
            }
            for (int threads = 1; threads <= 2; threads++) {
                try (Program fused = Program.load(new Program.Part(trunk, target)); Session session = fused.newSession(threads)) {
                    Map<String, Long> kinds = fused.graph(fused.mainGraph()).nodes().stream()
                            .collect(Collectors.groupingBy(node -> node.layer().kind(), Collectors.counting()));
                    assertEquals(Map.of("Conv", (long) convs, "Pool", 1L, "AdaptivePool", 1L, "Flatten", 1L), kinds);
                    Reference.assertClose(Reference.widen(expected),
                            session.run(Map.of(VisionNetwork.PICTURES, pictures)).get(VisionNetwork.ROWS).toFloats(), 1e-5);
                }
            }
        }
    }

    @Test
    void wrongInputsAndWeightsAreNamed() {
        try (Arena arena = Arena.ofShared()) {
            GeneratedWeights weights = GeneratedWeights.resNet(arena, "", false, 2, 2, 2, 2);
            WeightScope scope = WeightScope.of(weights);
            WeightException missing = assertThrows(WeightException.class, () -> ResNet.load(scope, ResNetConfig.named("resnet34")));
            assertTrue(missing.getMessage().contains("layer1.2.conv1.weight"), missing.getMessage());
            WeightException shape = assertThrows(WeightException.class,
                    () -> ResNet.load(scope, ResNetConfig.named("resnet18").with(3, 224, 10)));
            assertTrue(shape.getMessage().contains("fc.weight: expected [10, 512], found [1000, 512]"), shape.getMessage());
            assertThrows(IllegalArgumentException.class, () -> ResNetConfig.named("resnet51"));
            try (VisionModel model = ResNet.load(scope, ResNetConfig.named("resnet18").with(3, 32, 1000))) {
                IllegalArgumentException small = assertThrows(IllegalArgumentException.class,
                        () -> model.newSession(new InputSize(31, 64), 1));
                assertTrue(small.getMessage().contains("[N, 3, 31, 64]"), small.getMessage());
                VisionSession session = model.newSession(1);
                MemorySegment logits = arena.allocate(4000);
                assertThrows(IllegalArgumentException.class, () -> session.forward(arena.allocate(100), 1, logits));
                assertThrows(IllegalArgumentException.class, () -> session.forward(
                        MemorySegment.ofArray(new float[3 * 32 * 32]), 1, logits));
                session.close();
                session.close();
                MemorySegment input = arena.allocate(session.pictureByteSize());
                assertThrows(IllegalStateException.class, () -> session.forward(input, 1, logits));
            }
        }
    }
}
