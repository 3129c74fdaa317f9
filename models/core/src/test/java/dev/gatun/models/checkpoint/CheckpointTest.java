package dev.gatun.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.catalog.ServedFamilies;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
    @TempDir
    Path folder;

    private void weights(Path file, String... names) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Tensor> tensors = new java.util.LinkedHashMap<>();
            for (String name : names) {
                tensors.put(name, Tensor.ofFloats(arena, new float[6], 2, 3));
            }
            SafetensorsWriter.write(file, tensors, Map.of());
        }
    }

    private static String refused(org.junit.jupiter.api.function.Executable read) {
        return assertThrows(WeightException.class, read).getMessage();
    }

    private String problem() {
        return refused(() -> Checkpoint.open(folder).tensors());
    }

    @Test
    void aFolderIsItsFiles() throws IOException {
        Checkpoint checkpoint = Checkpoint.open(Goldens.path("bert/tiny"));
        assertEquals("safetensors", checkpoint.format());
        assertEquals("bert", checkpoint.modelType());
        assertEquals(List.of("BertModel"), checkpoint.architectures());
        assertEquals(40, checkpoint.fields().integer("hidden_size", 1, 100));
        assertEquals(List.of("tokenizer.json"), checkpoint.tokenizerFiles());
        assertNull(checkpoint.labels());
        assertEquals(new Checkpoint.TensorInfo("F32", Shape.of(99, 40), 99 * 40 * 4),
                checkpoint.tensors().get("embeddings.word_embeddings.weight"));
        assertEquals(checkpoint.tensors(), Checkpoint.open(Goldens.path("bert/tiny/model.safetensors")).tensors());
        assertEquals("onnx", Checkpoint.open(Goldens.path("bert/tiny-onnx")).format());
    }

    @Test
    void weightsAreFoundInTheirOrder() throws IOException {
        Files.createDirectories(folder.resolve("onnx"));
        for (String name : List.of("onnx/model.onnx", "model.onnx", "model.safetensors.index.json", "model.safetensors")) {
            Files.writeString(folder.resolve(name), "x");
            assertEquals(folder.resolve(name), Checkpoint.open(folder).weights());
        }
        assertTrue(refused(() -> Checkpoint.open(folder.resolve("none")))
                .endsWith("none: does not exist; expected a model's folder or a file of weights"));
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"bert\"}");
        assertEquals("bert", Checkpoint.open(folder.resolve("onnx/model.onnx")).modelType());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "pytorch_model.bin | pytorch_model.bin is a pickle, which can run any program and is never opened; convert it: python -c"
                + " \"import glob, torch",
        "pytorch_model-00001-of-00002.bin | pytorch_model-*-of-00002.bin')) for k, v in torch.load(f, map_location='cpu',"
                + " weights_only=True)",
        "resnet18-f37072fd.pth | resnet18-f37072fd.pth is a pickle",
        "tf_model.h5 | holds TensorFlow weights: load it in transformers 4 with from_tf=True",
        "flax_model.msgpack | holds Flax weights",
        "adapter_model.safetensors | is an adapter (LoRA) without its base model",
        "other.safetensors | other.safetensors is not looked for by itself: name the file if it is meant",
        "model.Q4_K_M.gguf | is a GGUF file for llama.cpp",
        "openvino_model.xml | is a format that is not read",
    })
    void whatIsThereInsteadIsNamedAndHowToConvertIt(String name, String expected) throws IOException {
        Files.createDirectories(folder.resolve("onnx"));
        Files.writeString(folder.resolve(name), "x");
        String message = problem();
        assertTrue(message.startsWith(folder + ": has neither model.safetensors nor") && message.contains(expected), message);
        if (!name.endsWith(".onnx") && !name.endsWith(".safetensors")) {
            String file = refused(() -> Checkpoint.open(folder.resolve(name)).tensors());
            assertTrue(file.startsWith(folder.resolve(name).toString()), file);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"model_quantized.onnx", "onnx/model_int8.onnx"})
    void theOnlyOnnxFileIsTaken(String name) throws IOException {
        Files.createDirectories(folder.resolve("onnx"));
        Files.writeString(folder.resolve(name), "x");
        Files.writeString(folder.resolve("pytorch_model.bin"), "x");
        assertEquals(folder.resolve(name), Checkpoint.open(folder).weights());
        Files.writeString(folder.resolve("onnx/model_fp16.onnx"), "x");
        assertNull(Checkpoint.open(folder).weights());
        assertTrue(problem().contains(name + " is not looked for by itself: name the file if it is meant, or better export"), problem());
    }

    @Test
    void manyFilesAreNotAllListed() throws IOException {
        for (int i = 0; i < 300; i++) {
            Files.writeString(folder.resolve("x".repeat(120) + i + ".safetensors"), "x");
        }
        assertTrue(problem().length() < 2000);
    }

    @Test
    void sentenceTransformersFoldersSayWhereTheirTransformerIs() throws IOException {
        Path old = Files.createDirectories(folder.resolve("0_Transformer"));
        weights(old.resolve("model.safetensors"), "a");
        Files.writeString(old.resolve("config.json"), "{\"model_type\": \"bert\"}");
        Files.writeString(folder.resolve("config.json"), "{\"__version__\": \"0.2.5\"}");
        assertEquals(old, Checkpoint.open(folder).folder());
        Files.writeString(folder.resolve("modules.json"), "[{\"idx\": 0, \"name\": \"0\", \"path\": \"0_Transformer\", \"type\":"
                + " \"sentence_transformers.models.Transformer\"}, {\"idx\": 1, \"name\": \"1\", \"path\": \"1_Pooling\", \"type\":"
                + " \"sentence_transformers.models.Pooling\"}]");
        Checkpoint checkpoint = Checkpoint.open(folder);
        assertEquals("bert", checkpoint.modelType());
        assertEquals(folder, checkpoint.root());
        assertEquals(List.of(new Checkpoint.Module("Transformer", old), new Checkpoint.Module("Pooling", folder.resolve("1_Pooling"))),
                checkpoint.modules());
        assertEquals(1, checkpoint.tensors().size());
        Files.writeString(folder.resolve("modules.json"), "[{\"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"}]");
        assertEquals(folder, Checkpoint.open(folder).folder());
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "{}", "7", "[7]", "[{\"type\": \"a.B\", \"path\": \"../x\"}]",
            "[{\"type\": \"a.B\", \"path\": \"/etc\"}]",
        "[{\"path\": \"x\"}]", "[{\"type\": \"a.B\", \"path\": \"x\\u0000\"}]", "", "["})
    void modulesThatAreNoneAreRefused(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("modules.json"), text);
        assertTrue(refused(() -> Checkpoint.open(folder)).startsWith(file.toString()));
    }

    @Test
    void labelsComeFromThreePlaces() throws IOException {
        Path config = folder.resolve("config.json");
        Files.writeString(config, "{\"id2label\": {\"1\": \"yes\", \"0\": \"no\"}}");
        assertEquals(List.of("no", "yes"), Checkpoint.open(folder).labels());
        Files.writeString(config, "{\"id2label\": {\"0\": \"LABEL_0\", \"1\": \"LABEL_1\"}}");
        assertNull(Checkpoint.open(folder).labels());
        Files.writeString(config, "{\"id2label\": {\"0\": \"a\", \"2\": \"b\"}}");
        assertTrue(refused(() -> Checkpoint.open(folder).labels()).contains("id2label has 2 labels, but none of class 1"));
        Files.writeString(config, "{\"label_names\": [\"n01\", \"n02\"], \"label_descriptions\": {\"n01\": \"tench\"}}");
        assertEquals(List.of("tench", "n02"), Checkpoint.open(folder).labels());
        Path labels = Files.writeString(folder.resolve("labels.txt"), "\uFEFFeins\r\nzwei\n");
        assertEquals(List.of("eins", "zwei"), Checkpoint.open(folder).labels());
        Files.write(labels, "Stra\u00dfe\nKatze\nK\u00f6nig".getBytes(StandardCharsets.ISO_8859_1));
        assertTrue(refused(() -> Checkpoint.open(folder).labels()).startsWith(labels + ": line 1 is not valid UTF-8"));
        Files.write(labels, "Strasse\nKatze\nK\u00f6nig".getBytes(StandardCharsets.ISO_8859_1));
        assertTrue(refused(() -> Checkpoint.open(folder).labels()).startsWith(labels + ": line 3 is not valid UTF-8"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"{\"a\": 1, \"a\": 2} | Duplicate", "{\"a\": 1} x | not valid JSON", "[1] | not a JSON object",
        "{\"a\": NaNo} | not valid JSON", "{\"a\": | (line 1, column"})
    void configsThatAreNoneAreRefused(String text, String expected) throws IOException {
        Path file = Files.writeString(folder.resolve("config.json"), text);
        String message = refused(() -> Checkpoint.open(folder));
        assertTrue(message.startsWith(file.toString()) && message.contains(expected), message);
    }

    @Test
    void numbersThatPythonWritesAreRead() throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"time_step_limit\": [0.0, Infinity], \"eps\": NaN, \"size\": -Infinity}");
        ConfigFields fields = Checkpoint.open(folder).fields();
        assertTrue(refused(() -> fields.number("eps")).endsWith("config.json: eps is \"NaN\", expected a number"));
        assertTrue(refused(() -> fields.integer("size", 1, 9)).endsWith("expected an integer from 1 to 9"));
        assertTrue(refused(() -> fields.numbers("time_step_limit")).endsWith("expected a list of numbers"));
        assertEquals(List.of(), fields.unread());
    }

    @Test
    void oneListSaysWhatIsServed() throws IOException {
        Families all = ServedFamilies.ALL;
        assertEquals("bert", all.require(Checkpoint.open(Goldens.path("bert/tiny"))).name());
        assertEquals("bert", all.require(Checkpoint.open(Goldens.path("bert/tiny-prefixed"))).name());
        assertEquals("onnx", all.require(Checkpoint.open(Goldens.path("bert/tiny-onnx/model.onnx"))).name());
        assertEquals("textbook-cnn", all.require(Checkpoint.open(Goldens.path("cnn/textbook-small"))).name());
        assertEquals("token model", all.require(Checkpoint.open(Goldens.path("transformer/token/tied-learned-post-gelu"))).name());
        weights(folder.resolve("model.safetensors"), "model.layer1.0.conv1.weight");
        assertEquals("resnet", all.require(Checkpoint.open(folder)).name());
        Files.writeString(folder.resolve("config.json"), "{\"architecture\": \"resnet50\"}");
        assertEquals("resnet", all.require(Checkpoint.open(folder)).name());
    }

    @Test
    void whatIsNotServedIsNamedWithWhatIsNearest() throws IOException {
        weights(folder.resolve("model.safetensors"), "encoder.fc2.weight", "longformer.embeddings.word_embeddings.weight");
        Files.writeString(folder.resolve("config.json"),
                "{\"model_type\": \"longformer\", \"architectures\": [\"RobertaLikeForMaskedLM\"], \"hidden_size\": 32}");
        InspectReport report = ServedFamilies.ALL.describe(Checkpoint.open(folder));
        assertNull(report.family());
        assertTrue(report.missing().startsWith("no model that is served: config.json says model_type longformer, architecture"
                + " RobertaLikeForMaskedLM;"
                + " nearest is roberta; served are "), report.missing());
        assertEquals(Map.of("hidden_size", 32L), report.sizes());
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"wav2vec2\"}");
        String message = ServedFamilies.ALL.describe(Checkpoint.open(folder)).missing();
        assertTrue(message.contains("model_type wav2vec2") && !message.contains("nearest"), message);
        assertTrue(refused(() -> ServedFamilies.ALL.require(Checkpoint.open(folder))).startsWith(folder + ": no model that is served"));
        assertThrows(IllegalArgumentException.class, () -> new Families(List.of(ServedFamilies.ALL.all().getFirst(),
                ServedFamilies.ALL.all().getFirst())));
    }

    @Test
    void aReportCountsWhatThereIs() throws IOException {
        InspectReport report = ServedFamilies.ALL.describe(Checkpoint.open(Goldens.path("bert/tiny")));
        assertEquals(46_736, report.parameters());
        assertEquals(4 * 46_736, report.fileByteSize());
        assertEquals(4 * 46_736, report.memory());
        assertEquals(Map.of("F32", new InspectReport.Count(55, 46_736)), report.types());
        assertTrue(report.text().contains("served by   bert") && report.text().contains("46,736 (F32 55 tensors)"), report.text());
        assertTrue(report.json().contains("\"parameters\" : 46736"), report.json());
        assertFalse(report.text().contains("because"));
        String empty = ServedFamilies.ALL.describe(Checkpoint.open(folder)).text();
        assertTrue(empty.contains("served by   nothing") && empty.contains("has neither model.safetensors"), empty);
    }

    @Test
    void aModelIsLoadedThroughTheList() {
        Checkpoint checkpoint = Checkpoint.open(Goldens.path("bert/tiny"));
        Object model = ServedFamilies.ALL.require(checkpoint).load(checkpoint, LoadOptions.defaults());
        try (dev.gatun.models.encode.Encoder encoder = (dev.gatun.models.encode.Encoder) model) {
            assertEquals(40, encoder.spec().hiddenSize());
        }
    }
}
