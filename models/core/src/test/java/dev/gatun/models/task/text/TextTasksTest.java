package dev.gatun.models.task.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.tokenize.Pair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tasks answer what transformers' pipelines and sentence-transformers answer (oracle/heads), texts of all lengths together. */
class TextTasksTest {
    private static final double DELTA = 1e-5;
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path temp;

    private static Path folder(String name) {
        return Goldens.path("heads/" + name);
    }

    static JsonNode expected(String name) throws IOException {
        return JSON.readTree(folder(name).resolve("expected.json").toFile());
    }

    private static TextOptions options(int threads) {
        return TextOptions.defaults().withThreads(threads);
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(node -> texts.add(node.asText()));
        return texts;
    }

    private static void assertLabels(JsonNode expected, List<Label> found, String what) {
        assertEquals(expected.size(), found.size(), what);
        for (int i = 0; i < found.size(); i++) {
            assertEquals(expected.get(i).get("label").asText(), found.get(i).name(), what);
            assertEquals(expected.get(i).get("score").asDouble(), found.get(i).score(), DELTA, what);
        }
    }

    @ParameterizedTest
    @CsvSource({"bert, 1", "bert, 2", "roberta, 2", "xlm-roberta, 1", "camembert, 1", "distilbert, 2", "electra, 1", "albert, 2",
            "mpnet, 2",
        "deberta-v2, 1", "modernbert, 2", "gte, 1", "nomic, 2", "qwen3, 1", "eurobert, 2", "eurobert-late, 1"})
    void textsAndPairsAreClassified(String family, int threads) throws IOException {
        assertLabels(expected(family + "-classify"), folder(family + "-classify"), threads);
    }

    static void assertLabels(JsonNode golden, Path folder, int threads) {
        try (TextClassifier classifier = TextClassifier.load(folder, options(threads))) {
            List<String> texts = texts(golden.get("texts"));
            List<List<Label>> found = classifier.classify(texts, 100);
            List<Pair> pairs = new ArrayList<>();
            golden.get("pairs").forEach(pair -> pairs.add(new Pair(pair.get(0).asText(), pair.get(1).asText())));
            List<List<Label>> ofPairs = classifier.classifyPairs(pairs, 100);
            for (int i = 0; i < texts.size(); i++) {
                assertLabels(golden.get("labels").get(i), found.get(i), texts.get(i));
                assertLabels(golden.get("labels").get(i), classifier.classify(texts.get(i)), texts.get(i));
            }
            for (int i = 0; i < pairs.size(); i++) {
                assertLabels(golden.get("pair_labels").get(i), ofPairs.get(i), pairs.get(i).toString());
            }
            assertEquals(1, classifier.classify(texts, 1).getLast().size());
            assertEquals(List.of(), classifier.classify(List.of(), 1));
            assertThrows(IllegalArgumentException.class, () -> classifier.classify(texts, 0));
            assertThrows(NullPointerException.class, () -> classifier.classify(Collections.singletonList(null), 1));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert-rerank", "xlm-roberta-rerank"})
    void documentsAreRanked(String name) throws IOException {
        assertRanks(expected(name), folder(name));
    }

    static void assertRanks(JsonNode golden, Path folder) {
        List<String> documents = texts(golden.get("documents"));
        try (Reranker reranker = Reranker.load(folder)) {
            List<Reranker.Ranked> ranked = reranker.rank(golden.get("query").asText(), documents);
            assertEquals(documents.size(), ranked.size());
            for (int i = 0; i < ranked.size(); i++) {
                assertEquals(golden.get("order").get(i).asInt(), ranked.get(i).index());
                assertEquals(golden.get("scores").get(ranked.get(i).index()).asDouble(), ranked.get(i).score(), DELTA);
                assertEquals(documents.get(ranked.get(i).index()), ranked.get(i).document());
            }
            assertEquals(ranked.subList(0, 2), reranker.rank(golden.get("query").asText(), documents, 2));
            assertEquals(List.of(), reranker.rank("a", List.of()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "roberta", "xlm-roberta", "distilbert", "electra", "albert", "mpnet", "deberta-v2"})
    void tokensAreTagged(String family) throws IOException {
        assertTags(expected(family + "-tag"), folder(family + "-tag"));
    }

    static void assertTags(JsonNode golden, Path folder) {
        try (TokenTagger tagger = TokenTagger.load(folder)) {
            for (TokenTagger.Aggregation aggregation : TokenTagger.Aggregation.values()) {
                List<JsonNode> cases = new ArrayList<>();
                golden.get("cases").forEach(c -> {
                    if (c.get("strategy").asText().equals(aggregation.name().toLowerCase(Locale.ROOT))) {
                        cases.add(c);
                    }
                });
                List<List<TokenTagger.Tag>> found = tagger.tag(cases.stream().map(c -> c.get("text").asText()).toList(), aggregation);
                for (int i = 0; i < found.size(); i++) {
                    assertTags(cases.get(i), found.get(i), aggregation);
                }
            }
            assertEquals(List.of(), tagger.tag(""));
        }
    }

    private static void assertTags(JsonNode golden, List<TokenTagger.Tag> found, TokenTagger.Aggregation aggregation) {
        String text = golden.get("text").asText();
        String what = aggregation + " of " + text + ": " + golden.get("tags") + " " + found;
        assertEquals(golden.get("tags").size(), found.size(), what);
        for (int i = 0; i < found.size(); i++) {
            JsonNode tag = golden.get("tags").get(i);
            assertEquals(tag.get("label").asText(), found.get(i).label(), what);
            assertEquals(tag.get("score").asDouble(), found.get(i).score(), DELTA, what);
            assertEquals(tag.get("start").asInt(), found.get(i).start(), what);
            assertEquals(tag.get("end").asInt(), found.get(i).end(), what);
            assertEquals(text.substring(found.get(i).start(), found.get(i).end()), found.get(i).text());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert-fill", "bert-fill-untied", "roberta-fill", "xlm-roberta-fill", "distilbert-fill", "electra-fill",
            "albert-fill", "mpnet-fill", "modernbert-fill", "modernbert-fill-untied", "deberta-v2-fill", "deberta-v2-fill-authors"})
    void masksAreFilled(String name) throws IOException {
        assertFills(expected(name), folder(name));
    }

    static void assertFills(JsonNode golden, Path folder) {
        try (FillMask filler = FillMask.load(folder)) {
            List<List<List<FillMask.Fill>>> found = filler.fill(texts(golden.get("texts")), 4);
            for (int i = 0; i < found.size(); i++) {
                assertEquals(golden.get("fills").get(i).size(), found.get(i).size());
                for (int mask = 0; mask < found.get(i).size(); mask++) {
                    JsonNode row = golden.get("fills").get(i).get(mask);
                    for (int k = 0; k < 4; k++) {
                        FillMask.Fill fill = found.get(i).get(mask).get(k);
                        assertEquals(row.get(k).get("token").asInt(), fill.token());
                        assertEquals(row.get(k).get("text").asText(), fill.text());
                        assertEquals(row.get(k).get("score").asDouble(), fill.score(), DELTA);
                    }
                }
            }
            String message = assertThrows(IllegalArgumentException.class, () -> filler.fill("no mask")).getMessage();
            assertTrue(message.contains("\"no mask\" has no " + filler.mask()), message);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "roberta", "xlm-roberta", "distilbert", "electra", "albert", "mpnet", "deberta-v2", "modernbert"})
    void questionsAreAnswered(String family) throws IOException {
        assertAnswers(expected(family + "-answer"), folder(family + "-answer"));
    }

    static void assertAnswers(JsonNode golden, Path folder) {
        try (QuestionAnswerer answerer = QuestionAnswerer.load(folder)) {
            for (boolean impossible : new boolean[] {false, true}) {
                List<JsonNode> cases = new ArrayList<>();
                golden.get("cases").forEach(c -> {
                    if (c.get("impossible").asBoolean() == impossible) {
                        cases.add(c);
                    }
                });
                List<List<QuestionAnswerer.Answer>> found = answerer.answer(
                        cases.stream().map(c -> new Pair(c.get("question").asText(), c.get("context").asText())).toList(),
                        new QuestionAnswerer.Search(5, 15, -1, impossible));
                for (int i = 0; i < found.size(); i++) {
                    assertAnswers(cases.get(i), found.get(i));
                }
            }
        }
    }

    private static void assertAnswers(JsonNode golden, List<QuestionAnswerer.Answer> found) {
        String what = golden + " " + found;
        assertEquals(golden.get("answers").size(), found.size(), what);
        for (int k = 0; k < found.size(); k++) {
            JsonNode answer = golden.get("answers").get(k);
            assertEquals(answer.get("text").asText(), found.get(k).text(), what);
            assertEquals(answer.get("score").asDouble(), found.get(k).score(), DELTA, what);
            assertEquals(answer.get("start").asInt(), found.get(k).start(), what);
            assertEquals(answer.get("end").asInt(), found.get(k).end(), what);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert-nli", "roberta-nli"})
    void labelsOfTheCallerAreJudged(String name) throws IOException {
        assertJudged(expected(name), folder(name));
    }

    static void assertJudged(JsonNode golden, Path folder) {
        try (ZeroShotClassifier classifier = ZeroShotClassifier.load(folder)) {
            for (JsonNode c : golden.get("cases")) {
                ZeroShotClassifier.Question question = new ZeroShotClassifier.Question(texts(c.has("only") ? c.get("only")
                        : golden.get("candidates")),
                        c.get("template").asText(), c.get("multi").asBoolean());
                List<Label> found = classifier.classify(List.of(c.get("text").asText()), question).getFirst();
                assertEquals(texts(c.get("labels")), found.stream().map(Label::name).toList());
                for (int i = 0; i < found.size(); i++) {
                    assertEquals(c.get("scores").get(i).asDouble(), found.get(i).score(), DELTA);
                }
            }
            assertThrows(IllegalArgumentException.class, () -> new ZeroShotClassifier.Question(List.of()));
            assertThrows(IllegalArgumentException.class, () -> new ZeroShotClassifier.Question(List.of("a"), "no place", false));
        }
    }

    @Test
    void manyCallersGetWhatOneGets() throws Exception {
        List<String> texts = texts(expected("bert-classify").get("texts"));
        try (TextClassifier classifier = TextClassifier.load(folder("bert-classify"), options(2));
                ExecutorService callers = Executors.newFixedThreadPool(4)) {
            List<List<Label>> alone = classifier.classify(texts, 3);
            Callable<List<List<Label>>> call = () -> classifier.classify(texts, 3);
            for (Future<List<List<Label>>> result : callers.invokeAll(Collections.nCopies(20, call))) {
                for (int i = 0; i < texts.size(); i++) {
                    for (int k = 0; k < 3; k++) {
                        assertEquals(alone.get(i).get(k).score(), result.get().get(i).get(k).score(), DELTA);
                    }
                }
            }
            assertTrue(classifier.nativeByteSize() > 0);
            classifier.close();
            classifier.close();
            assertThrows(IllegalStateException.class, () -> classifier.classify("a"));
        }
    }

    @Test
    void whatIsSubmittedIsWhatABlockingCallGives() throws IOException {
        List<String> texts = texts(expected("bert-classify").get("texts"));
        try (TextClassifier classifier = TextClassifier.load(folder("bert-classify"), options(2));
                Reranker reranker = Reranker.load(folder("bert-rerank"), options(2));
                TokenTagger tagger = TokenTagger.load(folder("bert-tag"), options(2))) {
            List<CompletableFuture<List<Label>>> labels = texts.stream().map(classifier::submit).toList();
            List<CompletableFuture<Float>> scores = texts.stream().map(text -> reranker.submit(new Pair("a", text))).toList();
            List<CompletableFuture<List<TokenTagger.Tag>>> tags = texts.stream().map(tagger::submit).toList();
            for (int i = 0; i < texts.size(); i++) {
                List<Label> expected = classifier.classify(texts.get(i));
                assertEquals(expected.getFirst().score(), labels.get(i).join().getFirst().score(), DELTA);
                assertEquals(expected.getFirst().name(), labels.get(i).join().getFirst().name());
                assertEquals(expected.size(), labels.get(i).join().size());
                assertEquals(reranker.scores(List.of(new Pair("a", texts.get(i))))[0], scores.get(i).join(), DELTA);
                assertEquals(tagger.tag(texts.get(i)).stream().map(TokenTagger.Tag::text).toList(),
                        tags.get(i).join().stream().map(TokenTagger.Tag::text).toList());
            }
        }
    }

    @Test
    void aHeadThatTheTaskDoesNotServeIsRefusedWithTheTaskThatDoes() {
        refused(() -> TextClassifier.load(folder("bert-tag")), "BertForTokenClassification, which classifies tokens: use TokenTagger");
        refused(() -> TokenTagger.load(folder("electra-answer")), "ElectraForQuestionAnswering", "QuestionAnswerer (gatun answer)");
        refused(() -> FillMask.load(folder("bert-classify")), "TextClassifier");
        refused(() -> QuestionAnswerer.load(Goldens.path("bert/tiny")), "architectures says BertModel, which has no head that is served");
        refused(() -> Reranker.load(folder("bert-classify")), "has 3 labels, expected the one of a reranker", "gatun classify-text");
        refused(() -> ZeroShotClassifier.load(folder("bert-classify")),
                "label2id has no label that begins with entail, only [bad, good, so-so]");
        EmbeddingModel.load(folder("bert-fill")).close();
    }

    private static void refused(Callable<AutoCloseable> load, String... parts) {
        String message = assertThrows(WeightException.class, () -> load.call().close()).getMessage();
        Arrays.stream(parts).forEach(part -> assertTrue(message.contains(part), message));
    }

    @Test
    void headsThatContradictTheirConfigAreRefusedByName() throws IOException {
        edited("bert-classify", "id2label", "{\"0\": \"a\", \"1\": \"b\"}");
        refused(() -> TextClassifier.load(temp), "classifier.weight", "expected [2, 12], found [3, 12]");
        edited("bert-classify", "problem_type", "\"guess\"");
        refused(() -> TextClassifier.load(temp), "problem_type is \"guess\"");
        edited("bert-classify", "architectures", "[]");
        refused(() -> QuestionAnswerer.load(temp), "has no tensor qa_outputs.weight");
        edited("bert-fill", "tie_word_embeddings", "false");
        refused(() -> FillMask.load(temp), "has no tensor cls.predictions.decoder.weight");
        edited("bert-rerank", "sentence_transformers", "{\"activation_fn\": \"my.Own\"}");
        refused(() -> Reranker.load(temp), "sentence_transformers.activation_fn is \"my.Own\"");
        edited("eurobert-classify", "classifier_pooling", "\"max\"");
        refused(() -> TextClassifier.load(temp), "classifier_pooling is \"max\", expected bos or late or mean");
        edited("bert-rerank", "num_labels", "1");
        Path sentence = Files.writeString(temp.resolve("config_sentence_transformers.json"),
                "{\"prompts\": {\"q\": \"find: \"}, \"default_prompt_name\": \"q\"}");
        refused(() -> Reranker.load(temp), sentence.getFileName() + ": default_prompt_name is \"q\"");
        Files.writeString(temp.resolve("modules.json"), "[{\"type\": \"sentence_transformers.base.modules.transformer.Transformer\"}, "
                + "{\"type\": \"sentence_transformers.models.Dense\", \"path\": \"1_Dense\"}]");
        refused(() -> Reranker.load(temp), "modules.json: has a Dense behind its Transformer");
    }

    private void edited(String name, String field, String value) throws IOException {
        for (String file : new String[] {"model.safetensors", "tokenizer.json", "tokenizer_config.json"}) {
            Files.write(temp.resolve(file), Files.readAllBytes(folder(name).resolve(file)));
        }
        ObjectNode config = (ObjectNode) JSON.readTree(folder(name).resolve("config.json").toFile());
        config.set(field, JSON.readTree(value));
        Files.writeString(temp.resolve("config.json"), config.toString());
    }
}
