package dev.gatun.models.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

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
import dev.gatun.tensor.graph.Weight;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
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
            "transformers_version", "use_cache", "cls_token_id", "decoder_start_token_id", "dense_act_fn", "deterministic_flash_attn",
            "dropout_rate",
            "embedding_dropout", "initializer_cutoff_factor", "initializer_factor", "is_gated_act", "mask_token_id", "mlp_dropout",
            "num_decoder_layers", "pretraining_tp", "scale_decoder_outputs", "sep_token_id", "sparse_pred_ignore_index",
            "sparse_prediction",
            "max_window_layers");
    /** Read by tasks and heads. */
    private static final Set<String> HEADS = Set.of("id2label", "label2id", "problem_type", "tie_word_embeddings", "classifier_activation",
            "classifier_bias", "classifier_pooling", "decoder_bias", "legacy", "pooler_dropout", "pooler_hidden_act", "pooler_hidden_size");
    /** Of one family: an encoder's use of it, or another field that switches it off. */
    private static final Set<String> IRRELEVANT_THERE = Set.of("t5 is_encoder_decoder", "umt5 is_encoder_decoder", "qwen3 sliding_window",
            "qwen3 use_sliding_window");

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"bert", "ernie", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "albert", "mpnet",
            "deberta-v2", "t5", "umt5",
        "modernbert", "nomic_bert", "gte", "qwen3", "qwen2", "llama", "mistral", "eurobert"})
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
            boolean listed = IRRELEVANT.contains(name) || HEADS.contains(name)
                    || IRRELEVANT_THERE.contains(family + " " + name) || name.equals("pad_token_id")
                    && !family.matches("\\w+-?roberta|roberta|camembert");
            boolean same = served.equals(outcome(config.deepCopy().set(name, other(config.get(name)))));
            if (same != listed) {
                (same ? ignored : needless).add(name);
            }
        }
        for (String name : List.of("hidden_act", "hidden_activation", "activation")) {
            if (config.has(name)) {
                assertNull(outcome(config.deepCopy().putNull(name)), name + " is null: transformers calls nothing");
            }
        }
        assertEquals(List.of(), ignored, "ignored, though not known to be irrelevant");
        assertEquals(List.of(), needless, "listed as irrelevant, but refused or honoured");
    }

    static JsonNode other(JsonNode value) {
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
            return encoder.spec() + positions + w.layers().stream().map(l -> l.attention()).map(a -> a.query().weight().name() + a.scores()
                    + values(a.distances()) + (a.positions() == null ? "" : "" + a.positions().keys() + a.positions().queries()
                            + a.positions().rows())
                    + (a.rotary() == null ? "" : a.rotary().attributes() + values(a.rotary().table()))).toList();
        } catch (WeightException | IllegalArgumentException e) {
            assertNotNull(e.getMessage());
            return null;
        }
    }

    private static String values(Weight weight) {
        return weight == null ? "" : weight + " " + Arrays.hashCode(weight.tensor().toFloats());
    }
}
