package dev.gatun.models.family.transformer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.RandomModels;
import dev.gatun.tensor.testing.Reference;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Seq2SeqModelTest {

    @ParameterizedTest
    // The trained model's logits reach 9, where F32 of PyTorch itself is 1.1e-5 from F64.
    @CsvSource({"tied-sinusoidal-post-relu", "tied-learned-post-gelu", "untied-learned-pre-gelu"})
    void memoryAndLogitsAgreeWithPyTorch(String name) {
        try (Arena arena = Arena.ofShared(); Seq2SeqModel model = Seq2SeqModel.load(Goldens.path("transformer/token/" + name))) {
            SafetensorsFile golden = SafetensorsFile.open(Goldens.path("transformer/token/" + name).resolve("expected.safetensors"), arena);
            List<int[]> sources = sequences(golden, "source");
            List<int[]> targets = sequences(golden, "target");
            Seq2SeqModel.Forced forced = model.forced(sources, targets);
            compare(golden, "memory", sources, forced.memory());
            compare(golden, "logits", targets, forced.logits());
        }
    }

    /** Words of sources, of targets and their scores are one table: as rows and as what multiplies it would be there twice. */
    @Test
    void tiedWordsAreThereOnce() {
        try (Seq2SeqModel model = RandomModels.create(20_001, 32, 1, 20, 0)) {
            long table = 20_001L * 32 * Float.BYTES;
            assertTrue(model.nativeByteSize() < table * 3 / 2, model.nativeByteSize() + " bytes, of words " + table);
        }
    }

    private static List<int[]> sequences(SafetensorsFile golden, String name) {
        int width = (int) golden.entry(name).shape().dim(1);
        int[] ids = Goldens.ints(golden, name);
        int[] lengths = Goldens.ints(golden, name + "_lengths");
        List<int[]> result = new ArrayList<>();
        for (int i = 0; i < lengths.length; i++) {
            result.add(Arrays.copyOfRange(ids, i * width, i * width + lengths[i]));
        }
        return result;
    }

    /** Goldens are padded, results are not. */
    private static void compare(SafetensorsFile golden, String name, List<int[]> sequences, float[] actual) {
        int length = (int) golden.entry(name).shape().dim(1);
        int width = (int) golden.entry(name).shape().dim(2);
        float[] expected = Goldens.floats(golden, name);
        int row = 0;
        for (int i = 0; i < sequences.size(); i++) {
            int count = sequences.get(i).length;
            Reference.assertClose(Reference.widen(Arrays.copyOfRange(expected, i * length * width, (i * length + count) * width)),
                    Arrays.copyOfRange(actual, row * width, (row + count) * width), 1e-5);
            row += count;
        }
    }


    @Test
    void damagedModelsAreRefusedByName(@TempDir Path folder) throws IOException {
        Path good = Goldens.path("transformer/token/untied-learned-pre-gelu");
        String config = Files.readString(good.resolve("config.json"));
        Files.copy(good.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        refused(folder, config.replace("\"vocab_size\": 37", "\"vocab_size\": 38"), "expected [38, 24], found [37, 24]");
        refused(folder, config.replace("\"num_decoder_layers\": 1", "\"num_decoder_layers\": 2"),
                "has no tensor transformer.decoder.layers.1.self_attn.in_proj_weight");
        refused(folder, config.replace("\"eos_token_id\": 2", "\"eos_token_id\": 99"), "eos_token_id is 99, the vocabulary has 0 to 36");
        refused(folder, config.replace("\"d_model\": 24", "\"d_model\": \"x\""), "d_model is \"x\", expected a number");
        refused(folder, config.replace("seq2seq-transformer", "lstm"), "architecture is lstm, expected seq2seq-transformer");
        refused(folder, config.replace("\"gelu\"", "\"swish\""), "activation is swish, expected relu or gelu");
        refused(folder, "{", "is not valid JSON");
        WeightException missing = assertThrows(WeightException.class, () -> Seq2SeqModel.load(folder.resolve("nowhere")));
        assertTrue(missing.getMessage().endsWith("config.json: does not exist; the model's sizes are expected there"),
                missing.getMessage());
    }

    private static void refused(Path folder, String config, String message) throws IOException {
        Files.write(folder.resolve("config.json"), config.getBytes(StandardCharsets.UTF_8));
        WeightException e = assertThrows(WeightException.class, () -> Seq2SeqModel.load(folder));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    @Test
    void closedModelsSaySo() {
        Seq2SeqModel model = Seq2SeqModel.load(Goldens.path("transformer/token/tied-learned-post-gelu"));
        assertTrue(model.nativeByteSize() > 50_000);
        assertEquals(0, model.planCount());
        model.close();
        model.close();
        assertThrows(IllegalStateException.class, () -> model.step(1, 1));
        assertThrows(IllegalStateException.class, () -> model.forced(List.of(new int[] {5}), List.of(new int[] {1})));
    }
}
