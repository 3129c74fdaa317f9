package dev.gatun.models.task.embed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Folders of sentence-transformers give the vectors that it gives; what is not served is refused by name. */
class SentenceFolderTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path ROOT = Goldens.path("sentence");
    private static final Path TINY = Goldens.path("bert/tiny");

    @TempDir
    Path temporary;

    private static void write(Path folder, String path, JsonNode json) throws IOException {
        Files.createDirectories(folder.resolve(path).getParent());
        JSON.writeValue(folder.resolve(path).toFile(), json);
    }

    private Path folder(JsonNode golden) throws IOException {
        Path folder = Files.createTempDirectory(temporary, "folder");
        for (Map.Entry<String, JsonNode> file : golden.get("json").properties()) {
            write(folder, file.getKey(), file.getValue());
        }
        Path transformer = folder.resolve(golden.get("json").has("router_config.json") ? "document_0_Transformer"
                : golden.at("/json/modules.json/0/path").asText());
        Files.createDirectories(transformer);
        for (String name : new String[] {"config.json", "model.safetensors", "tokenizer.json"}) {
            Files.copy(TINY.resolve(name), transformer.resolve(name));
        }
        for (Map.Entry<String, JsonNode> file : golden.get("files").properties()) {
            Files.createDirectories(folder.resolve(file.getKey()).getParent());
            Files.copy(ROOT.resolve(file.getValue().asText()), folder.resolve(file.getKey()), StandardCopyOption.REPLACE_EXISTING);
        }
        return folder;
    }

    @TestFactory
    Stream<DynamicTest> vectorsAreThoseOfSentenceTransformers() throws IOException {
        JsonNode golden = JSON.readTree(ROOT.resolve("cases.json").toFile());
        List<String> texts = new ArrayList<>();
        golden.get("texts").forEach(text -> texts.add(text.asText()));
        return golden.get("cases").valueStream().map(c -> dynamicTest(c.get("name").asText(), () -> check(c, texts)));
    }

    private void check(JsonNode golden, List<String> texts) throws IOException {
        EmbeddingOptions options = EmbeddingOptions.defaults().withThreads(1);
        try (Arena arena = Arena.ofConfined(); EmbeddingModel model = EmbeddingModel.load(folder(golden), options);
                Embeddings found = golden.get("prompt").isNull() ? model.embed(texts) : model.embedQueries(texts)) {
            float[] expected = SafetensorsFile.open(ROOT.resolve("expected.safetensors"), arena).floats(golden.get("like").asText())
                    .toFloats();
            assertEquals(expected.length / texts.size(), found.dimension());
            for (int i = 0; i < expected.length; i++) {
                float value = found.toFloats(i / found.dimension())[i % found.dimension()];
                assertEquals(expected[i], value, 1e-5f * Math.max(1, Math.abs(expected[i])), "element " + i % found.dimension()
                        + " of text "
                        + i / found.dimension());
            }
        }
    }

    private JsonNode golden(String name) throws IOException {
        return JSON.readTree(ROOT.resolve("cases.json").toFile()).get("cases").valueStream()
                .filter(c -> c.get("name").asText().equals(name)).findFirst()
                .orElseThrow();
    }

    @Test
    void optionsOverrideTheFolder() throws IOException {
        EmbeddingOptions options = EmbeddingOptions.defaults().withThreads(1).withPooling(Pooling.CLS).withNormalize(true).withMaxTokens(5);
        try (EmbeddingModel model = EmbeddingModel.load(folder(golden("three")), options);
                Embeddings e = model.embed("the cat sat on the mat");
                EmbeddingModel plain = EmbeddingModel.load(TINY, options); Embeddings same = plain.embed("the cat sat on the mat")) {
            assertEquals(40, e.dimension());
            assertEquals(1, e.cosine(0, 0), 1e-5);
            assertTrue(e.truncated(0));
            for (int i = 0; i < 40; i++) {
                assertEquals(same.toFloats(0)[i], e.toFloats(0)[i], 1e-5f);
            }
        }
    }

    private void refused(String path, String json, String message) throws IOException {
        Path folder = folder(golden("dense, norm, normalize"));
        write(folder, path, JSON.readTree(json));
        String found = assertThrows(WeightException.class, () ->
                EmbeddingModel.load(folder, EmbeddingOptions.defaults().withThreads(1)).close()).getMessage();
        assertTrue(found.contains(message), found);
    }

    @Test
    void whatIsNotServedIsRefusedByName() throws IOException {
        String transformer = "{\"type\": \"sentence_transformers.models.Transformer\", \"path\": \"\"}";
        refused("modules.json", "[" + transformer + "]", "has no Pooling");
        refused("modules.json", "[" + transformer + ", {\"type\": \"sentence_transformers.models.CNN\", \"path\": \"2_CNN\"}]",
                "is a CNN of");
        refused("modules.json", "[{\"type\": \"sentence_transformers.models.WordEmbeddings\", \"path\": \"\"}]",
                "begins with a WordEmbeddings");
        refused("modules.json", "[{\"type\": \"custom_st.Transformer\", \"path\": \"\"}]", "custom_st.Transformer is code of its");
        refused("2_Dense/config.json", "{\"in_features\": 40, \"out_features\": 24, \"module_input_name\": \"token_embeddings\"}",
                "module_input_name");
        refused("2_Dense/config.json", "{\"in_features\": 40, \"out_features\": 24, \"activation_function\": null}",
                "activation_function is null");
        refused("2_Dense/config.json", "{\"in_features\": 40, \"out_features\": 24, \"activation_function\": \"torch.nn.Softmax\"}",
                "activation_function");
        refused("2_Dense/config.json", "{\"in_features\": 24, \"out_features\": 24}", "in_features is 24, expected 40");
        refused("2_Dense/config.json", "{\"in_features\": 40, \"out_features\": 24, \"bias\": false}", "bias is false");
        refused("1_Pooling/config.json", "{\"pooling_mode\": \"median\"}", "pooling_mode is \"median\"");
        refused("sentence_bert_config.json", "{\"processing_kwargs\": {\"text\": {\"truncation\": false}}}", "processing_kwargs");
        refused("sentence_bert_config.json", "{\"model_args\": {\"attn_implementation\": \"eager\", \"dtype\": \"float16\"}}",
                "model_args.dtype is");
        refused("sentence_bert_config.json", "{\"query_length\": 8}", "query_length is 8");
        refused("config_sentence_transformers.json", "{\"model_type\": \"SparseEncoder\"}", "model_type is");
        refused("config_sentence_transformers.json", "{\"default_prompt_name\": \"query\"}", "default_prompt_name is");
    }

    @Test
    void aRouteCanBeChosenAndOneThatIsMissingIsNamed() throws IOException {
        EmbeddingOptions options = EmbeddingOptions.defaults().withThreads(1);
        Path folder = folder(golden("router, query"));
        try (EmbeddingModel model = EmbeddingModel.load(folder, options);
                EmbeddingModel one = EmbeddingModel.load(folder, options.withRoute("query"));
                Embeddings expected = model.embedQueries(List.of("a cat")); Embeddings found = one.embed("a cat");
                Embeddings same = one.embedDocuments(List.of("a cat"))) {
            assertArrayEquals(expected.toFloats(0), found.toFloats(0));
            assertArrayEquals(expected.toFloats(0), same.toFloats(0));
            assertEquals(13, one.dimension());
            assertTrue(model.nativeByteSize() > one.nativeByteSize());
        }
        assertTrue(assertThrows(WeightException.class, () -> EmbeddingModel.load(folder, options.withRoute("doc"))).getMessage()
                .contains("router_config.json: has no route for texts of task doc, only query, document"));
        ObjectNode config = (ObjectNode) JSON.readTree(folder.resolve("router_config.json").toFile());
        ((ObjectNode) config.get("structure")).set("doc", config.get("structure").get("document"));
        ((ObjectNode) config.get("structure")).remove("document");
        ((ObjectNode) config.get("parameters")).put("default_route", "doc");
        write(folder, "router_config.json", config);
        try (EmbeddingModel model = EmbeddingModel.load(folder, options); Embeddings found = model.embed("a cat")) {
            assertEquals(40, found.dimension());
            assertTrue(assertThrows(IllegalStateException.class, () -> model.embedDocuments(List.of("a"))).getMessage()
                    .contains("no route for texts of task document"));
        }
        ((ObjectNode) config.get("types")).put("document_0_Transformer", "own.Thing");
        write(folder, "router_config.json", config);
        assertTrue(assertThrows(WeightException.class, () -> EmbeddingModel.load(folder, options)).getMessage().contains("own.Thing"));
    }

    @Test
    void whatIsNotServedWithoutAPromptsTokensIsRefused() throws IOException {
        Path folder = folder(golden("query, not pooled"));
        EmbeddingOptions options = EmbeddingOptions.defaults().withThreads(1);
        for (EmbeddingOptions each : List.of(options.withPooling(Pooling.WEIGHTEDMEAN), options.withWindows(2))) {
            String found = assertThrows(IllegalArgumentException.class, () -> EmbeddingModel.load(folder, each).close()).getMessage();
            assertTrue(found.startsWith("include_prompt is false"), found);
        }
    }

    /** As sentence-transformers takes such a folder, which says nothing of pooling. */
    @ParameterizedTest
    @CsvSource({"Qwen3ForCausalLM, true, LASTTOKEN", "Qwen3ForCausalLM, false, MEAN", "Qwen3Model, true, MEAN"})
    void causalLanguageModelsArePooledAtTheirLastToken(String architecture, boolean causal, Pooling pooling) throws IOException {
        Path golden = Goldens.path("heads/qwen3-classify");
        for (String file : new String[] {"model.safetensors", "tokenizer.json", "tokenizer_config.json"}) {
            Files.copy(golden.resolve(file), temporary.resolve(file));
        }
        ObjectNode config = (ObjectNode) JSON.readTree(golden.resolve("config.json").toFile());
        write(temporary, "config.json", config.put("is_causal", causal).set("architectures", JSON.createArrayNode().add(architecture)));
        EmbeddingOptions options = EmbeddingOptions.defaults().withThreads(1);
        try (EmbeddingModel usual = EmbeddingModel.load(temporary, options); Embeddings found = usual.embed("the old bird sings");
                EmbeddingModel chosen = EmbeddingModel.load(temporary, options.withPooling(pooling));
                Embeddings expected = chosen.embed("the old bird sings");
                EmbeddingModel first = EmbeddingModel.load(temporary, options.withPooling(Pooling.CLS));
                Embeddings other = first.embed("the old bird sings")) {
            assertArrayEquals(expected.toFloats(0), found.toFloats(0));
            assertFalse(Arrays.equals(other.toFloats(0), found.toFloats(0)));
        }
    }

    /** As sentence-transformers does it, which says so too. */
    @Test
    void anEncoderIsEmbeddedWithoutTheHeadThatItHasAndSaysSo() throws IOException {
        for (String name : new String[] {"model.safetensors", "tokenizer.json"}) {
            Files.copy(TINY.resolve(name), temporary.resolve(name));
        }
        EmbeddingOptions options = EmbeddingOptions.defaults().withThreads(1);
        String[][] said = {{"BertForTokenClassification", "gatun tag"}, {"BertForSequenceClassification", "rerank, zero-shot"},
            {"BertForQuestionAnswering", "gatun answer"}, {"BertForMultipleChoice", "nothing here"}, {"BertForMaskedLM"}, {"BertModel"}};
        ObjectNode config = (ObjectNode) JSON.readTree(TINY.resolve("config.json").toFile());
        try (EmbeddingModel plain = EmbeddingModel.load(TINY, options.withPooling(Pooling.MEAN));
                Embeddings expected = plain.embed("a cat")) {
            for (String[] each : said) {
                write(temporary, "config.json", config.set("architectures", JSON.createArrayNode().add(each[0])));
                try (EmbeddingModel headed = EmbeddingModel.load(temporary, options); Embeddings found = headed.embed("a cat")) {
                    assertArrayEquals(expected.toFloats(0), found.toFloats(0));
                    assertEquals(each.length - 1, headed.leftOut().size(), each[0]);
                    headed.leftOut().forEach(line -> assertTrue(line.contains(each[0]) && line.contains(each[1]), line));
                }
            }
        }
        write(temporary, "config.json", config.set("architectures", JSON.createArrayNode().add("HF_ColBERT")));
        assertThrows(WeightException.class, () -> EmbeddingModel.load(temporary, options));
    }

    @Test
    @Timeout(60) // opening a pipe would wait for ever
    void pipesAndDanglingLinksAreRefusedWhateverTheirName() throws Exception {
        JsonNode golden = JSON.readTree(ROOT.resolve("cases.json").toFile()).get("cases").get(0);
        for (String name : new String[] {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.json",
            "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json"}) {
            for (boolean link : new boolean[] {false, true}) {
                Path file = folder(golden).resolve(name);
                Files.deleteIfExists(file);
                if (link) {
                    Files.createSymbolicLink(file, Path.of("nowhere"));
                } else {
                    Assumptions.assumeTrue(new ProcessBuilder("mkfifo", file.toString()).start().waitFor() == 0);
                }
                String message = assertThrows(WeightException.class, () -> EmbeddingModel.load(file.getParent().endsWith("1_Pooling")
                        ? file.getParent().getParent() : file.getParent())).getMessage();
                assertTrue(message.startsWith(file + ": ") && message.contains(link ? "is a link to nowhere" : "is a pipe or a device"),
                        message);
            }
        }
    }
}
