package dev.gatun.models.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Each field of each family's config class (fields.json): another value changes what is computed, or is refused, or the field is listed
 * here.
 */
class FamilyFieldsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** What transformers reads in training, of weights that a checkpoint brings, for its own bookkeeping, or to run in another way. */
    private static final Set<String> IRRELEVANT =
            Set.of("_name_or_path", "architectures", "attention_dropout", "attention_probs_dropout_prob",
            "bos_token_id", "chunk_size_feed_forward", "classifier_dropout", "classifier_dropout_prob", "dropout", "dtype", "eos_token_id",
            "hidden_dropout_prob", "initializer_range", "output_attentions", "output_hidden_states", "qa_dropout", "return_dict",
            "seq_classif_dropout", "sinusoidal_pos_embds", "summary_activation", "summary_last_dropout", "summary_type", "summary_use_proj",
            "transformers_version", "use_cache");
    /** Read by tasks and heads. */
    private static final Set<String> HEADS = Set.of("id2label", "label2id", "problem_type", "tie_word_embeddings");

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "albert"})
    void noFieldIsIgnoredThatChangesNumbers(String family) throws IOException {
        JsonNode fields = JSON.readTree(Goldens.path("families/fields.json").toFile()).get(family);
        Path golden = Goldens.path("families/" + family);
        ObjectNode config = (ObjectNode) JSON.readTree(golden.resolve("config.json").toFile());
        Files.copy(golden.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        String served = outcome(config);
        assertNotNull(served);
        List<String> ignored = new ArrayList<>();
        List<String> needless = new ArrayList<>();
        for (JsonNode node : fields) {
            String name = node.asText();
            boolean listed = IRRELEVANT.contains(name) || HEADS.contains(name) || name.equals("pad_token_id")
                    && !family.matches("\\w+-?roberta|roberta|camembert");
            boolean same = served.equals(outcome(config.deepCopy().set(name, other(config.get(name)))));
            if (same != listed) {
                (same ? ignored : needless).add(name);
            }
        }
        assertEquals(List.of(), ignored, "ignored, though not known to be irrelevant");
        assertEquals(List.of(), needless, "listed as irrelevant, but refused or honoured");
    }

    private static JsonNode other(JsonNode value) {
        JsonNodeFactory f = JsonNodeFactory.instance;
        return value == null || value.isNull() ? f.booleanNode(true) : value.isBoolean() ? f.booleanNode(!value.booleanValue())
                : value.isIntegralNumber() ? f.numberNode(value.intValue() == 1 ? 2 : value.intValue() - 1)
                : value.isNumber() ? f.numberNode(value.doubleValue() * 2 + 0.125) : value.isTextual() ? f.textNode("something")
                        : f.arrayNode();
    }

    /** What is described, or null if it is refused. */
    private String outcome(JsonNode config) throws IOException {
        Files.writeString(folder.resolve("config.json"), config.toString());
        Checkpoint checkpoint = Checkpoint.open(folder);
        try (Arena arena = Arena.ofConfined()) {
            TextEncoder encoder = Encoders.family(checkpoint).describe(checkpoint, checkpoint.source(arena));
            EncoderWeights w = encoder.weights();
            String positions = w.positions() instanceof Positions.Absolute a ? a.table() + " " + a.firstPosition() + " " + a.padId() : ""
                    + w.positions();
            return encoder.spec() + positions + w.layers().stream().map(l -> l.attention().query().weight().name()).toList();
        } catch (WeightException | IllegalArgumentException e) {
            assertNotNull(e.getMessage());
            return null;
        }
    }
}
