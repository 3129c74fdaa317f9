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
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * A text encoder that is an ONNX file: it computes what its graph says, whatever the names of its tensors resemble. A graph that provably
 * computes row by row runs over packed tokens as families do; any other runs as it is written, over texts of similar lengths.
 */
public final class OnnxEncoder implements EncoderFamily {
    private static final List<String> HIDDEN = List.of("last_hidden_state", "token_embeddings", "hidden_states");
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
        String output = names.stream().filter(HIDDEN::contains).findFirst().orElseGet(() -> model.outputs().values().stream()
                .filter(o -> o.dims() != null && o.dims().size() == 3).map(OnnxInfo::name).findFirst().orElse(names.getFirst()));
        return load(checkpoint, model, output, precision, (encoder, perToken) -> {
            if (!perToken) {
                throw new IllegalArgumentException("output " + output + " has a row for each text, expected one for each token, as "
                        + HIDDEN.getFirst());
            }
            return head.apply(encoder);
        });
    }

    @Override
    public Encoder load(Checkpoint checkpoint, Precision precision, HeadKind kind) {
        boolean tokens = kind == HeadKind.TOKENS;
        if (!tokens && kind != HeadKind.SEQUENCES) {
            throw new WeightException(checkpoint.weights(), "is an ONNX file; a model that " + kind
                    + " is served of a folder with model.safetensors");
        }
        OnnxModel model = OnnxModel.load(checkpoint.weights());
        String output = model.outputs().containsKey("logits") || model.outputs().size() != 1 ? "logits"
                : model.outputs().keySet().iterator().next();
        return load(checkpoint, model, output, precision, (encoder, perToken) -> {
            int columns = encoder.spec().hiddenSize();
            int labels = ClassLabels.of(checkpoint).names().size();
            if (perToken != tokens || columns != labels) {
                throw new IllegalArgumentException("output " + output + " has a row of " + columns + " for each "
                        + (perToken ? "token" : "text") + ", expected one of " + labels + " for each " + (tokens ? "token" : "text")
                        + ": the labels of " + checkpoint.configFile());
            }
            return Head.same(columns, perToken);
        });
    }

    @Override
    public Map.Entry<Encoder, RowHead> loadApart(Checkpoint checkpoint, Precision precision, HeadKind kind) {
        throw new WeightException(checkpoint.weights(), "is an ONNX file; a model that " + kind
                + " is served of a folder with model.safetensors");
    }

    /** Says what follows rows. */
    @FunctionalInterface
    private interface Heads {
        Head of(TextEncoder encoder, boolean perToken);
    }

    private static Encoder load(Checkpoint checkpoint, OnnxModel model, String output, Precision precision, Heads heads) {
        boolean kept = false;
        try {
            TokenGraph tokens = packed(model, output);
            PaddedRows padded = tokens == null ? new PaddedRows(model, output) : null;
            ImportedEncoder imported = tokens != null ? packed(checkpoint, tokens) : padded(checkpoint, padded);
            Head head = heads.of(new TextEncoder(imported.spec(), null), tokens != null ? tokens.perToken() : padded.perToken());
            Encoder encoder = Encoder.load(imported, head, precision);
            kept = padded != null;
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

    /** Null if its graph is not provably computed row by row. */
    private static TokenGraph packed(OnnxModel model, String output) {
        try {
            return TokenGraph.of(model, output);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static ImportedEncoder packed(Checkpoint checkpoint, TokenGraph tokens) {
        EncoderSpec spec = ImportedEncoder.spec("onnx", tokens.vocabSize(), tokens.typeCount(), tokens.columns(),
                tokens.hasPositions() ? tokens.maxLength() : positions(checkpoint));
        return new ImportedEncoder(spec, tokens.hasPositions(), tokens.firstPosition(), tokens.padId(), tokens::add, null);
    }

    private static ImportedEncoder padded(Checkpoint checkpoint, PaddedRows rows) {
        ConfigFields config = checkpoint.fields();
        int longest = rows.maxLength() == 0 ? positions(checkpoint) : rows.maxLength();
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
