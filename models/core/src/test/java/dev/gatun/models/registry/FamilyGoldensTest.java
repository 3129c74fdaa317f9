package dev.gatun.models.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.LoadOptions;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Head;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Every family's hidden states are transformers', for every length from 1 to the longest, together and alone. */
class FamilyGoldensTest {
    private static final int WIDTH = 36;

    static final List<String> FAMILIES = List.of("bert", "bert-causal", "ernie", "llama-both", "roberta", "xlm-roberta", "camembert",
            "distilbert", "distilbert-sinusoidal", "electra", "electra-same", "albert", "mpnet", "deberta-v2", "deberta-v2-plain", "t5",
            "umt5", "modernbert", "nomic_bert", "nomic_bert-original", "gte", "gte-original", "qwen3", "qwen2", "llama", "mistral",
            "eurobert", "jina-bert");

    @ParameterizedTest
    @FieldSource("FAMILIES")
    void hiddenStatesAreThoseOfTransformers(String name) {
        Checkpoint checkpoint = Checkpoint.open(Goldens.path("families/" + name));
        try (Arena arena = Arena.ofConfined(); Encoder encoder = Encoders.family(checkpoint).load(checkpoint, LoadOptions.defaults())) {
            SafetensorsFile cases = Goldens.open(arena, "families/" + name + "/cases.safetensors");
            int[] ids = Goldens.ints(cases, "ids");
            int[] offsets = Goldens.ints(cases, "offsets");
            float[] hidden = Goldens.floats(cases, "hidden");
            assertEquals(ids.length * WIDTH, hidden.length);
            for (int threads = 1; threads <= 2; threads++) {
                Reference.assertClose(Reference.widen(hidden), forward(encoder, threads, ids, offsets), 1e-5);
            }
            for (int i = 0; i < offsets.length - 1; i++) {
                float[] alone = forward(encoder, 1, Arrays.copyOfRange(ids, offsets[i], offsets[i + 1]),
                        new int[] {0, offsets[i + 1] - offsets[i]});
                Reference.assertClose(Reference.widen(Arrays.copyOfRange(hidden, offsets[i] * WIDTH, offsets[i + 1] * WIDTH)), alone, 1e-5);
            }
        }
    }

    /** The share of their root mean square that hidden states differ by, with every linear layer narrow: in int8 PyTorch's own at most. */
    @ParameterizedTest
    @FieldSource("FAMILIES")
    void narrowLayersComeClose(String name) {
        Checkpoint checkpoint = Checkpoint.open(Goldens.path("families/" + name));
        Map<Precision, Double> most = Map.of(Precision.F16, 2e-3, Precision.BF16, 2e-2, Precision.INT8,
                Goldens.int8Share("families/" + name));
        most.forEach((precision, bound) -> {
            try (Arena arena = Arena.ofConfined(); Encoder encoder = Encoders.family(checkpoint).load(checkpoint, precision,
                    each -> Head.hidden(each.spec().hiddenSize()))) {
                SafetensorsFile cases = Goldens.open(arena, "families/" + name + "/cases.safetensors");
                float[] hidden = Goldens.floats(cases, "hidden");
                float[] narrow = forward(encoder, 2, Goldens.ints(cases, "ids"), Goldens.ints(cases, "offsets"));
                double error = 0;
                double all = 0;
                for (int i = 0; i < hidden.length; i++) {
                    error += ((double) narrow[i] - hidden[i]) * ((double) narrow[i] - hidden[i]);
                    all += (double) hidden[i] * hidden[i];
                }
                double share = Math.sqrt(error / all);
                assertTrue(share > 0 && share < bound, name + " in " + precision + ": " + share);
                assertTrue(encoder.program().narrowings(encoder.spec().name()).stream().allMatch(each -> each.taken() == precision));
            }
        });
    }

    private static float[] forward(Encoder encoder, int threads, int[] ids, int[] offsets) {
        try (EncoderSession session = encoder.newSession(threads); Arena arena = Arena.ofConfined()) {
            MemorySegment dst = arena.allocate(ids.length * (long) WIDTH * Float.BYTES, 64);
            session.forward(arena.allocateFrom(ValueLayout.JAVA_INT, ids), arena.allocateFrom(ValueLayout.JAVA_INT, offsets),
                    offsets.length - 1,
                    dst);
            return dst.toArray(ValueLayout.JAVA_FLOAT);
        }
    }
}
