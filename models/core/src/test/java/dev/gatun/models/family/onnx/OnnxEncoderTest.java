package dev.gatun.models.family.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.encode.ImportedEncoder;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.TokenGraph;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import dev.gatun.models.task.text.Reranker;
import dev.gatun.models.task.text.TextClassifier;
import dev.gatun.models.task.text.TokenTagger;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.tokenize.Pair;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.testing.Reference;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Exports of torch's, against ONNX Runtime, which ran each text by itself. */
class OnnxEncoderTest {
    private static final String GOLDENS = "onnx-encoders/";

    @TempDir
    Path folder;

    private record Case(int[] ids, int[] types, int[] offsets, float[] expected) {
        static Case of(String name) {
            try (Arena arena = Arena.ofConfined()) {
                SafetensorsFile file = Goldens.open(arena, GOLDENS + "cases.safetensors");
                String output = file.names().contains(name + ".logits") ? ".logits" : ".last_hidden_state";
                return new Case(Goldens.ints(file, name + ".ids"), file.names().contains(name + ".types")
                        ? Goldens.ints(file, name + ".types") : null, Goldens.ints(file, name + ".offsets"),
                        Goldens.floats(file, name + output));
            }
        }

        float[] run(Encoder encoder, int threads) {
            try (EncoderSession session = encoder.newSession(threads); Arena arena = Arena.ofConfined()) {
                MemorySegment dst = arena.allocate(expected.length * 4L, 64);
                session.forward(arena.allocateFrom(ValueLayout.JAVA_INT, ids),
                        types == null ? MemorySegment.NULL : arena.allocateFrom(ValueLayout.JAVA_INT, types),
                        arena.allocateFrom(ValueLayout.JAVA_INT, offsets), offsets.length - 1, dst);
                return dst.toArray(ValueLayout.JAVA_FLOAT);
            }
        }
    }

    private static Path file(String name) {
        return Goldens.path(GOLDENS + name + ".onnx");
    }

    private static String output(OnnxModel model) {
        return model.outputs().keySet().iterator().next();
    }

    private static Encoder padded(OnnxModel model) {
        PaddedRows rows = new PaddedRows(model, output(model));
        return Encoder.load(new ImportedEncoder(ImportedEncoder.spec("padded", 99, rows.hasTypes() ? 2 : 0, rows.columns(), 44), false, 0,
                -1, null, rows), Head.same(rows.columns(), rows.perToken()), Precision.F32);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "bert-dynamo", "bert-causal", "bert-classes", "bert-tags",
        "xlm-roberta", "roberta-score", "distilbert", "mpnet"})
    void graphsThatComputeRowByRowRunPackedAndAsTheyAreWritten(String name) {
        Case texts = Case.of(name);
        try (OnnxModel model = OnnxModel.load(file(name))) {
            TokenGraph tokens = TokenGraph.of(model, output(model));
            boolean roberta = name.contains("roberta") || name.equals("mpnet");
            assertEquals(99, tokens.vocabSize());
            assertEquals(roberta ? 2 : 0, tokens.firstPosition());
            assertEquals(roberta ? 1 : -1, tokens.padId());
            assertEquals(roberta ? 42 : 44, tokens.maxLength());
            assertEquals(texts.types == null ? 0 : 2, tokens.typeCount());
            ImportedEncoder imported = new ImportedEncoder(ImportedEncoder.spec("packed", 99, tokens.typeCount(), tokens.columns(), 42),
                    tokens.hasPositions(), tokens.firstPosition(), tokens.padId(), tokens::add, null);
            try (Encoder encoder = Encoder.load(imported, Head.same(tokens.columns(), tokens.perToken()), Precision.F32)) {
                Reference.assertClose(Reference.widen(texts.expected), texts.run(encoder, 1), 1e-4);
            }
        }
        try (Encoder encoder = padded(OnnxModel.load(file(name)))) {
            Reference.assertClose(Reference.widen(texts.expected), texts.run(encoder, 2), 1e-4);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"modernbert"})
    void otherGraphsRunAsTheyAreWritten(String name) {
        Case texts = Case.of(name);
        try (OnnxModel model = OnnxModel.load(file(name))) {
            assertThrows(IllegalArgumentException.class, () -> TokenGraph.of(model, output(model)));
        }
        try (Encoder encoder = Encoders.load(file(name), e -> Head.hidden(e.spec().hiddenSize()))) {
            Reference.assertClose(Reference.widen(texts.expected), texts.run(encoder, 1), 1e-4);
        }
    }

    @Test
    void dynamicallyQuantizedTextsAreExactAndDoNotDependOnTheirNeighbours() {
        Case texts = Case.of("bert-q");
        try (Encoder encoder = Encoders.load(file("bert-q"), e -> Head.hidden(e.spec().hiddenSize()))) {
            float[] together = texts.run(encoder, 1);
            Reference.assertClose(Reference.widen(texts.expected), together, 1e-4);
            Case alone = new Case(Arrays.copyOfRange(texts.ids, 1, 8), Arrays.copyOfRange(texts.types, 1, 8), new int[] {0, 7},
                    new float[7 * 16]);
            assertArrayEquals(Arrays.copyOfRange(together, 16, 8 * 16), alone.run(encoder, 1));
        }
    }

    /** A table of positions ends where running begins to fail; rotary ones never do. */
    @ParameterizedTest
    @CsvSource({"bert-q, 44", "bert, 44", "xlm-roberta, 42", "modernbert, 64"})
    void textsAreAsLongAsTheFolderSaysOrTheGraphRuns(String name, int longest) {
        OnnxModel model = OnnxModel.load(file(name));
        try (PaddedRows rows = new PaddedRows(model, output(model))) {
            assertEquals(longest, rows.decideLength(0, 64));
            assertEquals(20, rows.decideLength(20, 64));
            assertEquals(31, rows.decideLength(0, 31));
        }
    }

    /** A folder with a golden file, and the tiny BERT's tokenizer. */
    private Path folder(String name, String config) throws IOException {
        Files.copy(file(name), Files.createDirectories(folder.resolve("onnx")).resolve("model.onnx"));
        Files.copy(Goldens.path("bert/tiny/tokenizer.json"), folder.resolve("tokenizer.json"));
        Files.writeString(folder.resolve("config.json"), config);
        return folder;
    }

    @Test
    void classifiersAnswerWhatTheirGraphSays() throws IOException {
        Path model = folder("bert-classes", "{\"model_type\": \"bert\", \"architectures\": [\"BertForSequenceClassification\"],"
                + "\"id2label\": {\"0\": \"a\", \"1\": \"b\", \"2\": \"c\"}}");
        List<String> texts = List.of("a cat sat on the mat", "b", "the dog and the cat");
        try (TextClassifier classifier = TextClassifier.load(model); Encoder encoder = padded(OnnxModel.load(file("bert-classes")));
                TextTokenizer tokenizer = TextTokenizer.load(model, new TextTokenizer.Limit(44, true))) {
            List<float[]> logits = classifier.logits(texts);
            for (int i = 0; i < texts.size(); i++) {
                int[] ids = tokenizer.encode(texts.get(i)).ids();
                float[] expected = new Case(ids, null, new int[] {0, ids.length}, new float[3]).run(encoder, 1);
                Reference.assertClose(Reference.widen(expected), logits.get(i), 1e-5);
            }
            assertEquals(List.of("a", "b", "c"), classifier.labels());
        }
    }

    @Test
    void rerankersAndTaggersTakeThem() throws IOException {
        Path model = folder("roberta-score", "{\"architectures\": [\"RobertaForSequenceClassification\"],"
                + "\"num_labels\": 1}");
        try (Reranker reranker = Reranker.load(model)) {
            float[] scores = reranker.scores(List.of(new Pair("a cat", "the cat sat"), new Pair("a cat", "a dog and another dog")));
            assertTrue(scores[0] > 0 && scores[0] < 1 && scores[0] != scores[1], Arrays.toString(scores));
            assertEquals(scores[1], reranker.scores(List.of(new Pair("a cat", "a dog and another dog")))[0], 1e-6);
        }
        Files.copy(file("bert-tags"), model.resolve("model.onnx"));
        Files.writeString(model.resolve("config.json"), "{\"architectures\": [\"BertForTokenClassification\"], \"id2label\": {\"0\": \"O\","
                + "\"1\": \"B-A\", \"2\": \"I-A\", \"3\": \"B-B\", \"4\": \"I-B\"}}");
        try (TokenTagger tagger = TokenTagger.load(model)) {
            List<TokenTagger.Tag> tags = tagger.tag("a cat sat on the mat and the dog");
            assertTrue(tags.stream().allMatch(tag -> List.of("A", "B").contains(tag.label())), tags.toString());
        }
        assertTrue(assertThrows(WeightException.class, () -> Encoders.family(Checkpoint.open(model)).load(Checkpoint.open(model),
                Precision.F32, HeadKind.SEQUENCES)).getMessage().contains("for each token, expected one of 5 for each text"));
    }

    /** What config.json calls a model is not what its graph computes. */
    @Test
    void embeddingsAreTheGraphsWhateverConfigSays() throws IOException {
        Path model = folder("xlm-roberta", "{\"model_type\": \"bert\", \"hidden_size\": 7}");
        try (EmbeddingModel embedder = EmbeddingModel.load(model); Encoder encoder = Encoders.load(file("xlm-roberta"),
                Head.pooled(Pooling.MEAN, true)); Embeddings vectors = embedder.embed(List.of("a cat", "the dog sat on the mat"))) {
            assertEquals(42, embedder.encoder().spec().maxLength());
            int[] ids = embedder.tokenizer().encode("a cat").ids();
            float[] expected = new Case(ids, null, new int[] {0, ids.length}, new float[16]).run(encoder, 1);
            assertArrayEquals(expected, vectors.toFloats(0), 1e-6f);
        }
    }

    @Test
    void whatIsNoModelOfTextsIsRefused() {
        String message = assertThrows(WeightException.class, () -> Encoders.load(file("bert-classes"), Head.pooled(Pooling.MEAN, true)))
                .getMessage();
        assertTrue(message.contains("has a row for each text, expected one for each token"), message);
    }
}
