package dev.gatun.models.family.bert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.testing.Reference;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Model folders in which something is wrong: the message names the file, what was expected and what was found. */
class BertTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    @BeforeEach
    void copyTheTinyModel() throws IOException {
        for (String name : new String[] {"config.json", "model.safetensors", "tokenizer.json"}) {
            Files.copy(Goldens.path("bert/tiny").resolve(name), folder.resolve(name));
        }
    }

    private void refused(String... parts) {
        String message = assertThrows(WeightException.class, () -> EmbeddingModel.load(folder).close()).getMessage();
        assertTrue(message.startsWith(folder.toString()), message);
        for (String part : parts) {
            assertTrue(message.contains(part), "expected '" + part + "' in: " + message);
        }
    }

    private void config(Consumer<ObjectNode> change) throws IOException {
        ObjectNode json = (ObjectNode) JSON.readTree(Goldens.path("bert/tiny/config.json").toFile());
        change.accept(json);
        JSON.writeValue(folder.resolve("config.json").toFile(), json);
    }

    @Test
    void theUnchangedCopyLoads() {
        EmbeddingModel.load(folder).close();
    }

    @Test
    void missingFilesAreNamed() throws IOException {
        for (String name : new String[] {"config.json", "tokenizer.json"}) {
            Files.move(folder.resolve(name), folder.resolve("away"));
            refused(name.equals("config.json") ? "config.json is missing" : name + ": does not exist");
            Files.move(folder.resolve("away"), folder.resolve(name));
        }
        Files.delete(folder.resolve("model.safetensors"));
        refused("has neither model.safetensors nor model.safetensors.index.json nor model.onnx");
        Path none = folder.resolve("none");
        assertTrue(assertThrows(WeightException.class, () -> Checkpoint.open(none)).getMessage().startsWith(none + ": does not exist"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "hidden_size; 80; embeddings.position_embeddings.weight: expected [80, 80], found [80, 40]",
        "vocab_size; 100; embeddings.word_embeddings.weight: expected [100, 40], found [99, 40]",
        "max_position_embeddings; 512; embeddings.position_embeddings.weight: expected [512, 40], found [80, 40]",
        "type_vocab_size; 3; expected [3, 40], found [2, 40]",
        "intermediate_size; 73; intermediate.dense",
        "num_hidden_layers; 4; has no tensor encoder.layer.3.",
        "num_hidden_layers; 2; num_hidden_layers is 2, but",
        "num_attention_heads; 7; num_attention_heads is 7, expected a divisor of hidden_size 40",
        "num_attention_heads; 0; num_attention_heads is 0, expected an integer from 1 to",
        "hidden_size; -40; hidden_size is -40, expected an integer from 1 to",
        "vocab_size; 99999999999; vocab_size is 99999999999, expected an integer",
        "layer_norm_eps; -1; layer_norm_eps is -1, expected 0 or more"})
    void aConfigThatContradictsTheWeightsIsRefused(String key, double value, String expected) throws IOException {
        config(json -> {
            if (value == Math.rint(value)) {
                json.put(key, (long) value);
            } else {
                json.put(key, value);
            }
        });
        refused(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "hidden_size; 40.5; hidden_size is \"40.5\", expected an integer",
        "hidden_act; swiglu; hidden_act is \"swiglu\", expected gelu",
        "position_embedding_type; relative_key; position_embedding_type is \"relative_key\", expected absolute",
        "model_type; gpt2; no model that is served: config.json says model_type gpt2, architecture BertModel; nearest is bert"})
    void aConfigOfAnotherModelIsRefused(String key, String value, String expected) throws IOException {
        config(json -> json.put(key, value));
        refused(expected);
    }

    @Test
    void everyKeyThatIsNeededIsAskedFor() throws IOException {
        for (String key : new String[] {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
            "intermediate_size", "max_position_embeddings"}) {
            config(json -> json.remove(key));
            refused("config.json: " + key + " is missing, expected an integer");
        }
        for (String text : new String[] {"", "[]", "null", "7"}) {
            Files.writeString(folder.resolve("config.json"), text);
            refused("config.json: is ");
        }
    }

    @Test
    void aConfigThatIsNoJsonIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(folder.resolve("config.json"));
        for (int length = 1; length < whole.length - 2; length += 37) {
            Files.write(folder.resolve("config.json"), Arrays.copyOf(whole, length));
            refused("config.json: is not valid JSON");
        }
        Files.write(folder.resolve("config.json"), new byte[] {'{', (byte) 0xff, (byte) 0xfe});
        refused("config.json: is not valid UTF-8");
    }

    @Test
    void aTokenizerThatIsNoneIsRefused() throws IOException {
        for (String text : new String[] {"", "{}", "garbage", "[1, 2]"}) {
            Files.writeString(folder.resolve("tokenizer.json"), text);
            refused("tokenizer.json: is not a tokenizer");
        }
    }

    /** Its words have ids that the model's table does not. */
    @Test
    void aTokenizerOfAnotherVocabularyIsRefused() throws IOException {
        String text = Files.readString(folder.resolve("tokenizer.json"));
        Files.writeString(folder.resolve("tokenizer.json"), text.replaceFirst("\"a\": *\\d+", "\"a\": 1234"));
        refused("has the token a with the id 1234, but the model's vocabulary has 99");
    }

    @Test
    void truncatedWeightsAreRefusedAndNotKeptOpen() throws IOException {
        byte[] whole = Files.readAllBytes(folder.resolve("model.safetensors"));
        for (int length : new int[] {0, 7, 8, 100, 5000, whole.length / 2, whole.length - 1}) {
            Files.write(folder.resolve("model.safetensors"), Arrays.copyOf(whole, length));
            refused("model.safetensors");
        }
        assertEquals(0, mappings());
        Files.write(folder.resolve("model.safetensors"), whole);
        EmbeddingModel model = EmbeddingModel.load(folder);
        assertEquals(0, mappings(), "a loaded model needs its files no longer");
        model.close();
    }

    private long mappings() throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(line -> line.contains(folder.toString())).count();
        }
    }

    @ParameterizedTest
    @CsvSource({"F16, 2e-2", "BF16, 1e-1", "F64, 1e-5"})
    void otherElementTypesAreConverted(String type, double tolerance) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile tiny = Goldens.open(arena, "bert/tiny/model.safetensors");
            write(tiny, type);
            SafetensorsFile cases = Goldens.open(arena, "bert/tiny/cases.safetensors");
            try (Encoder encoder = Encoders.load(folder, Head.pooled(Pooling.MEAN, true))) {
                float[] found = BertEncoderTest.forward(encoder, 1, Goldens.ints(cases, "ids"), Goldens.ints(cases, "offsets"));
                Reference.assertClose(Reference.widen(Goldens.floats(cases, "mean")), found, tolerance);
            }
        }
    }

    @Test
    void integersAreNoWeights() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            write(Goldens.open(arena, "bert/tiny/model.safetensors"), "I32");
        }
        refused("element type I32, expected one of weights: F32, F16, BF16, I8, U8");
    }

    private void write(SafetensorsFile source, String type) throws IOException {
        int size = type.equals("F64") ? 8 : type.equals("I32") ? 4 : 2;
        ObjectNode header = JSON.createObjectNode();
        long end = 0;
        for (String name : source.names()) {
            ObjectNode tensor = header.putObject(name).put("dtype", type);
            tensor.set("shape", JSON.valueToTree(source.entry(name).shape().dims()));
            long begin = end;
            end += source.entry(name).shape().elementCount() * size;
            tensor.putArray("data_offsets").add(begin).add(end);
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(Math.toIntExact(8 + json.length + end)).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(json.length).put(json);
        for (String name : source.names()) {
            for (float x : Goldens.floats(source, name)) {
                switch (type) {
                    case "F16" -> file.putShort(Float.floatToFloat16(x));
                    case "BF16" -> file.putShort((short) (Float.floatToIntBits(x) + 0x8000 >> 16));
                    case "F64" -> file.putDouble(x);
                    default -> file.putInt((int) x);
                }
            }
        }
        Files.write(folder.resolve("model.safetensors"), file.array());
    }

    @Test
    void whatMayNotBeReadIsNamed() throws IOException {
        Files.setPosixFilePermissions(folder.resolve("model.safetensors"), PosixFilePermissions.fromString("-wx------"));
        assumeFalse(Files.isReadable(folder.resolve("model.safetensors")), "this user may read everything");
        refused("model.safetensors: may not be read by this user");
    }
}
