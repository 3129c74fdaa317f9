package dev.gatun.models.seq2seq;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.LoadOptions;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.generate.Generated;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.registry.Seq2Seqs;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.testing.Reference;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every family against transformers: the encoder's states, scores of given targets, and what is generated. */
class Seq2SeqGoldenTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @ParameterizedTest
    @ValueSource(strings = {"marian", "marian-apart", "bart", "mbart", "pegasus", "m2m_100", "m2m_100-apart", "t5", "t5-gated", "mt5",
            "umt5"})
    void agreesWithTransformers(String name) throws IOException {
        Path folder = Goldens.path("seq2seq/" + name);
        try (Arena arena = Arena.ofShared(); EncoderDecoder model = load(folder)) {
            SafetensorsFile golden = SafetensorsFile.open(folder.resolve("cases.safetensors"), arena);
            EncoderDecoder.Forced forced = model.forced(sequences(golden, "sources"), sequences(golden, "targets"));
            Reference.assertClose(Reference.widen(Goldens.floats(golden, "memory")), forced.memory(), 5e-5);
            Reference.assertClose(Reference.widen(Goldens.floats(golden, "logits")), forced.logits(), 1e-4);
            generates(folder, model);
        }
    }

    private static EncoderDecoder load(Path folder) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        return Seq2Seqs.family(checkpoint).load(checkpoint, LoadOptions.defaults());
    }

    private static List<int[]> sequences(SafetensorsFile golden, String name) {
        int[] ids = Goldens.ints(golden, name);
        int[] offsets = Goldens.ints(golden, name + "_offsets");
        List<int[]> result = new ArrayList<>();
        for (int i = 0; i + 1 < offsets.length; i++) {
            result.add(Arrays.copyOfRange(ids, offsets[i], offsets[i + 1]));
        }
        return result;
    }

    private static void generates(Path folder, EncoderDecoder model) throws IOException {
        JsonNode golden = JSON.readTree(folder.resolve("generate.json").toFile());
        int forcedEos = JSON.readTree(folder.resolve("generation_config.json").toFile()).path("forced_eos_token_id").asInt(-1);
        List<int[]> inputs = new ArrayList<>();
        golden.path("inputs").forEach(row -> inputs.add(ids(row)));
        assertEquals(22, inputs.size());
        try (GenerationSession session = new GenerationSession(model, 2)) {
            for (int beams : new int[] {1, 4}) {
                GenerationOptions options = GenerationOptions.builder().maxLength(15).numBeams(beams).forcedEosTokenId(forcedEos).build();
                List<List<Generated>> found = session.generate(inputs, options);
                for (int i = 0; i < inputs.size(); i++) {
                    assertArrayEquals(ids(golden.path(beams == 1 ? "greedy" : "beams").get(i)), found.get(i).getFirst().ids(),
                            beams + " beams, input " + i);
                }
            }
        }
    }

    private static int[] ids(JsonNode row) {
        int[] ids = new int[row.size()];
        Arrays.setAll(ids, i -> row.get(i).asInt());
        return ids;
    }
}
