package dev.gatun.models.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.models.seq2seq.Seq2Seq;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Weight;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** As {@link FamilyFieldsTest}, of models from text to text. */
class Seq2SeqFieldsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** What transformers reads in training, for its own bookkeeping, or of other heads. */
    private static final Set<String> IRRELEVANT = Set.of("_name_or_path", "architectures", "attention_dropout", "activation_dropout",
            "chunk_size_feed_forward", "classifier_dropout", "decoder_layerdrop", "dense_act_fn", "dropout", "dropout_rate", "dtype",
            "encoder_layerdrop", "id2label", "init_std", "initializer_factor", "is_gated_act", "label2id", "num_hidden_layers",
            "output_attentions", "output_hidden_states", "problem_type", "return_dict", "transformers_version", "use_cache");
    /** Of one family: what another field decides, or its class. */
    private static final Set<String> IRRELEVANT_THERE = Set.of("bart pad_token_id", "mbart pad_token_id",
            "t5 bos_token_id", "t5 tie_word_embeddings", "mt5 bos_token_id",
            "mt5 scale_decoder_outputs", "mt5 tie_word_embeddings", "umt5 bos_token_id", "umt5 scale_decoder_outputs",
            "umt5 tie_word_embeddings");

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"marian", "marian-separate", "bart", "mbart", "pegasus", "m2m_100", "t5", "mt5", "umt5"})
    void noFieldIsIgnoredThatChangesNumbers(String family) throws IOException {
        JsonNode fields = JSON.readTree(Goldens.path("seq2seq/fields.json").toFile()).get(family);
        Path golden = Goldens.path("seq2seq/" + family);
        ObjectNode config = (ObjectNode) JSON.readTree(golden.resolve("config.json").toFile());
        Files.copy(golden.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        String served = outcome(config);
        assertNotNull(served);
        List<String> ignored = new ArrayList<>();
        List<String> needless = new ArrayList<>();
        for (JsonNode node : fields) {
            String name = node.asText();
            // A T5 may be an encoder alone.
            boolean listed = IRRELEVANT.contains(name) && !(name.equals("architectures") && family.endsWith("t5"))
                    || IRRELEVANT_THERE.contains(family + " " + name);
            // Generation reads it, of generation_config.json or of this one.
            boolean generation = name.startsWith("forced_");
            boolean same = served.equals(outcome(config.deepCopy().set(name, FamilyFieldsTest.other(config.get(name)))));
            if (same != (listed || generation)) {
                (same ? ignored : needless).add(name);
            }
        }
        assertEquals(List.of(), ignored, "ignored, though not known to be irrelevant");
        assertEquals(List.of(), needless, "listed as irrelevant, but refused or honoured");
    }

    /** What is described, or null if it is refused. */
    private String outcome(JsonNode config) throws IOException {
        Files.writeString(folder.resolve("config.json"), config.toString());
        Checkpoint checkpoint = Checkpoint.open(folder);
        try (Arena arena = Arena.ofConfined()) {
            Seq2Seq model = Seq2Seqs.family(checkpoint).describe(checkpoint, checkpoint.source(arena));
            EncoderWeights w = model.weights();
            return "" + model.encoder() + w.wordScale() + (w.positions() instanceof Positions.Absolute a ? values(a.table()) : "")
                    + model.decoder().spec() + model.decoder().embedding().scale() + values(model.decoder().embedding().positions())
                    + model.decoder().head().scale() + model.decoder().head().parts() + model.tokens()
                    + Stream.concat(w.layers().stream().map(EncoderWeights.Layer::attention),
                            model.decoder().layers().layers().stream().map(l -> l.self())).map(a -> values(a.distances())).toList();
        } catch (WeightException | IllegalArgumentException e) {
            assertNotNull(e.getMessage());
            return null;
        }
    }

    private static String values(Weight weight) {
        return weight == null ? "" : weight + " " + Arrays.hashCode(weight.tensor().type() == DataType.F32
                ? weight.tensor().toFloats() : new float[0]);
    }
}
