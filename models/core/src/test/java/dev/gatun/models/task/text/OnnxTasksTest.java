package dev.gatun.models.task.text;

import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The folders of {@link TextTasksTest} with ONNX files (oracle/onnx/heads.py) in the place of weights: the same answers. */
class OnnxTasksTest {
    @TempDir
    Path temp;

    /** A golden folder without its weights, with an export of them. */
    private Path folder(String name) throws IOException {
        for (String file : new String[] {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
            Files.copy(Goldens.path("heads/" + name + "/" + file), temp.resolve(file));
        }
        try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(Goldens.path("onnx-heads.zip")))) {
            for (ZipEntry e = zip.getNextEntry(); e != null; e = zip.getNextEntry()) {
                if (e.getName().equals(name + ".onnx")) {
                    Files.copy(zip, temp.resolve("model.onnx"));
                    return temp;
                }
            }
        }
        throw new IOException(name + ".onnx is not among the goldens");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "distilbert", "roberta", "albert", "electra", "mpnet", "deberta-v2", "modernbert"})
    void masksAreFilled(String family) throws IOException {
        TextTasksTest.assertFills(TextTasksTest.expected(family + "-fill"), folder(family + "-fill"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "distilbert", "roberta", "albert", "mpnet", "modernbert"})
    void questionsAreAnswered(String family) throws IOException {
        TextTasksTest.assertAnswers(TextTasksTest.expected(family + "-answer"), folder(family + "-answer"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"mpnet"})
    void textsAreClassified(String family) throws IOException {
        TextTasksTest.assertLabels(TextTasksTest.expected(family + "-classify"), folder(family + "-classify"), 2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"electra"})
    void tokensAreTagged(String family) throws IOException {
        TextTasksTest.assertTags(TextTasksTest.expected(family + "-tag"), folder(family + "-tag"));
    }

    @Test
    void documentsAreRanked() throws IOException {
        TextTasksTest.assertRanks(TextTasksTest.expected("xlm-roberta-rerank"), folder("xlm-roberta-rerank"));
    }

    @Test
    void labelsOfTheCallerAreJudged() throws IOException {
        TextTasksTest.assertJudged(TextTasksTest.expected("roberta-nli"), folder("roberta-nli"));
    }
}
