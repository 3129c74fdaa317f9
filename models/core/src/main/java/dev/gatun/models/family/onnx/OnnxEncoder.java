package dev.gatun.models.family.onnx;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.encode.ClassLabels;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.encode.ImportedEncoder;
import dev.gatun.models.encode.RowHead;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.onnx.OnnxInfo;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.TokenGraph;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.graph.Linear;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A text encoder that is an ONNX file: it computes what its graph says, whatever the names of its tensors resemble. A graph that provably
 * computes row by row runs over packed tokens as families do; any other runs as it is written, over texts of similar lengths.
 */
public final class OnnxEncoder implements EncoderFamily {
    private static final List<String> HIDDEN = List.of("last_hidden_state", "token_embeddings", "hidden_states");
    private static final List<String> MASKED = List.of("logits", "prediction_logits");
    /** Of a text encoder whose file does not say how long texts may be. */
    private static final int USUAL_LENGTH = 512;
    /** Families whose positions begin behind the padding's. */
    private static final Set<String> OFFSET = Set.of("roberta", "xlm-roberta", "camembert", "mpnet");

    @Override
    public String name() {
        return "onnx";
    }

    @Override
    public List<String> words() {
        return List.of("onnx");
    }

    /** Claims every ONNX file that is not of pictures. */
    @Override
    public boolean claims(Checkpoint checkpoint) {
        return checkpoint.format().equals("onnx") && checkpoint.file("preprocessor_config.json") == null;
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        throw new WeightException(checkpoint.weights(), "is an ONNX file, which runs as its graph says; this needs the layers of a family:"
                + " take model.safetensors of the same model");
    }

    @Override
    public Encoder load(Checkpoint checkpoint, Precision precision, Function<TextEncoder, Head> head) {
        OnnxModel model = OnnxModel.load(checkpoint.weights());
        List<String> names = List.copyOf(model.outputs().keySet());
        String output = names.stream().filter(HIDDEN::contains).findFirst().orElseGet(() -> rowed(model).orElse(names.getFirst()));
        return load(checkpoint, model, precision, () -> found(() -> TokenGraph.of(model, output), model, output), (encoder, found) -> {
            if (!found.perToken()) {
                throw new IllegalArgumentException("output " + output + " has a row for each text, expected one for each token, as "
                        + HIDDEN.getFirst());
            }
            return head.apply(encoder);
        });
    }

    /** An output with a row for each token. */
    private static Optional<String> rowed(OnnxModel model) {
        return model.outputs().values().stream().filter(o -> o.dims() != null && o.dims().size() == 3).map(OnnxInfo::name).findFirst();
    }

    @Override
    public Encoder load(Checkpoint checkpoint, Precision precision, HeadKind kind) {
        boolean spans = kind == HeadKind.SPANS;
        boolean tokens = spans || kind == HeadKind.TOKENS;
        if (!tokens && kind != HeadKind.SEQUENCES) {
            throw new IllegalArgumentException("a model that " + kind + " has its head apart");
        }
        OnnxModel model = OnnxModel.load(checkpoint.weights());
        String[] outputs = spans && model.outputs().containsKey("start_logits") ? new String[] {"start_logits", "end_logits"}
                : new String[] {model.outputs().containsKey("logits") || model.outputs().size() != 1 ? "logits"
                        : model.outputs().keySet().iterator().next()};
        return load(checkpoint, model, precision, () -> found(() -> TokenGraph.of(model, outputs), model, outputs), (encoder, found) -> {
            int columns = encoder.spec().hiddenSize();
            int labels = spans ? 2 : ClassLabels.of(checkpoint).names().size();
            if (found.perToken() != tokens || columns != labels) {
                throw new IllegalArgumentException("output " + String.join(", ", outputs) + " has a row of " + columns + " for each "
                        + (found.perToken() ? "token" : "text") + ", expected one of " + labels + " for each "
                        + (tokens ? "token" : "text") + (spans ? ": where an answer begins and ends" : ": the labels of "
                                + checkpoint.configFile()));
            }
            return Head.same(columns, found.perToken());
        });
    }

    @Override
    public Map.Entry<Encoder, RowHead> loadApart(Checkpoint checkpoint, Precision precision, HeadKind kind) {
        AtomicReference<RowHead> apart = new AtomicReference<>();
        OnnxModel model = OnnxModel.load(checkpoint.weights());
        List<String> names = List.copyOf(model.outputs().keySet());
        String output = names.stream().filter(MASKED::contains).findFirst().orElseGet(() -> rowed(model).orElse(names.getFirst()));
        try {
            Supplier<Found> how = () -> found(() -> TokenGraph.beforeLast(model, output), model, output);
            return Map.entry(load(checkpoint, model, precision, how, (encoder, rows) -> {
                int width = encoder.spec().hiddenSize();
                Linear last = rows.tokens == null ? null : rows.tokens.last();
                if (!rows.perToken()) {
                    throw new IllegalArgumentException("output " + output + " has a row for each text, expected one for each token");
                }
                apart.set(RowHead.load((graph, port) -> last == null ? port : graph.add("words", last, port), width,
                        last == null ? width : Math.toIntExact(last.outFeatures()), precision));
                return Head.same(width, true);
            }), apart.get());
        } catch (RuntimeException | Error e) {
            if (apart.get() != null) {
                apart.get().close();
            }
            throw e;
        }
    }

    /** Says what follows rows. */
    @FunctionalInterface
    private interface Heads {
        Head of(TextEncoder encoder, Found found);
    }

    /** How a file is run; one of the two is null. */
    private record Found(TokenGraph tokens, PaddedRows padded) {
        boolean perToken() {
            return tokens != null ? tokens.perToken() : padded.perToken();
        }
    }

    /** Over packed tokens if its graph is provably computed row by row, as it is written otherwise. */
    private static Found found(Supplier<TokenGraph> packed, OnnxModel model, String... outputs) {
        try {
            return new Found(packed.get(), null);
        } catch (IllegalArgumentException e) {
            return new Found(null, new PaddedRows(model, outputs));
        }
    }

    /** Takes over the model. */
    private static Encoder load(Checkpoint checkpoint, OnnxModel model, Precision precision, Supplier<Found> how, Heads heads) {
        boolean kept = false;
        try {
            Found found = how.get();
            ImportedEncoder imported = found.tokens != null ? packed(checkpoint, found.tokens) : padded(checkpoint, found.padded);
            Encoder encoder = Encoder.load(imported, heads.of(new TextEncoder(imported.spec(), null), found), precision);
            kept = found.padded != null;
            return encoder;
        } catch (WeightException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw new WeightException(checkpoint.weights(), e.getMessage(), e);
        } finally {
            if (!kept) {
                model.close();
            }
        }
    }

    private static ImportedEncoder packed(Checkpoint checkpoint, TokenGraph tokens) {
        EncoderSpec spec = ImportedEncoder.spec("onnx", tokens.vocabSize(), tokens.typeCount(), tokens.columns(),
                tokens.hasPositions() ? tokens.maxLength() : positions(checkpoint));
        return new ImportedEncoder(spec, tokens.hasPositions(), tokens.firstPosition(), tokens.padId(), tokens::add, null);
    }

    private static ImportedEncoder padded(Checkpoint checkpoint, PaddedRows rows) {
        ConfigFields config = checkpoint.fields();
        int longest = rows.decideLength(config.has("max_position_embeddings") ? positions(checkpoint) : 0, USUAL_LENGTH);
        EncoderSpec spec = ImportedEncoder.spec("onnx", config.integer("vocab_size", 1, Integer.MAX_VALUE, Integer.MAX_VALUE),
                rows.hasTypes() ? config.integer("type_vocab_size", 0, Integer.MAX_VALUE, 2) : 0, rows.columns(), longest);
        return new ImportedEncoder(spec, false, 0, -1, null, rows);
    }

    private static int positions(Checkpoint checkpoint) {
        ConfigFields config = checkpoint.fields();
        int all = config.integer("max_position_embeddings", 1, 1 << 24, USUAL_LENGTH);
        return OFFSET.contains(checkpoint.modelType()) ? Math.max(1, all - 1 - config.integer("pad_token_id", 0, all - 2, 1)) : all;
    }
}
