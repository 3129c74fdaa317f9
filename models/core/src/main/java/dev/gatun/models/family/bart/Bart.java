package dev.gatun.models.family.bart;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.layer.DecoderWeights;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.models.layer.TokenDecoder;
import dev.gatun.models.seq2seq.Seq2Seq;
import dev.gatun.models.seq2seq.Seq2SeqFamily;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** BART and its kind: what config.json means, and where the tensors are. */
public final class Bart implements Seq2SeqFamily {
    /** One family for each kind. */
    public static final List<Seq2SeqFamily> ALL = Stream.of(BartKind.values()).<Seq2SeqFamily>map(Bart::new).toList();

    private static final String FIRST = "encoder.layers.0.self_attn.q_proj.weight";

    private final BartKind kind;

    private Bart(BartKind kind) {
        this.kind = kind;
    }

    @Override
    public String name() {
        return kind.family;
    }

    @Override
    public List<String> words() {
        return Stream.concat(Stream.of(kind.modelType), kind.architectures.stream()).toList();
    }

    @Override
    public boolean claims(Checkpoint checkpoint) {
        return checkpoint.modelType().equals(kind.modelType)
                && (checkpoint.architectures().isEmpty() || checkpoint.architectures().stream().anyMatch(kind.architectures::contains));
    }

    @Override
    public Seq2Seq describe(Checkpoint checkpoint, WeightSource source) {
        BartConfig config = BartConfig.of(checkpoint.fields(), kind);
        WeightScope model = WeightScope.locate(source, FIRST);
        WeightScope top = WeightScope.of(source);
        WeightScope encoder = model.child("encoder");
        WeightScope decoder = model.child("decoder");
        int d = config.encoder().hiddenSize();
        WeightScope[] tables = {encoder.child("embed_tokens"), decoder.child("embed_tokens"), top.child("lm_head"), model.child("shared")};
        // What is missing is tied to what is there; of several the one closest to the layer counts.
        boolean all = config.tied() && config.shared();
        int targetSize = config.tokens().vocabSize();
        Weight words = all ? first(targetSize, d, tables[0], tables[3], tables[1], tables[2])
                : first(config.encoder().vocabSize(), d, tables[0]);
        Weight targetWords = all ? first(targetSize, d, tables[1], tables[3], tables[0], tables[2])
                : config.tied() ? first(targetSize, d, tables[1], tables[2]) : first(targetSize, d, tables[1]);
        Weight head = all ? first(targetSize, d, tables[2], tables[3], tables[1], tables[0])
                : config.tied() ? first(targetSize, d, tables[2], tables[1]) : first(targetSize, d, tables[2]);
        float scale = config.scale() ? (float) Math.sqrt(d) : 1f;
        return new Seq2Seq(config.encoder(),
                new EncoderWeights(words, places(encoder, config), null, embeddingNorm(encoder, d), null,
                        encoderLayers(encoder, config), finalNorm(encoder, d), scale),
                new TokenDecoder(config.decoder(), new Embedding(targetWords, positions(decoder, config), null, false,
                        embeddingNorm(decoder, d), scale), new DecoderWeights(decoderLayers(decoder, config), finalNorm(decoder, d)),
                        new Linear(List.of(new Linear.Part(head, false, logitsBias(top, targetSize))), Activation.NONE,
                                1f, false)),
                config.tokens());
    }

    private static Weight first(int vocabSize, int d, WeightScope... scopes) {
        WeightScope found = Stream.of(scopes).filter(scope -> scope.has("weight")).findFirst().orElse(scopes[0]);
        return found.weight("weight", vocabSize, d);
    }

    private Weight logitsBias(WeightScope top, int vocabSize) {
        if (!kind.logitsBias || !top.has("final_logits_bias")) {
            return null;
        }
        return WeightScope.reshaped(top.weight("final_logits_bias", 1, vocabSize), vocabSize);
    }

    /** M2M100's padding does not count, and has no position: the row before the first. */
    private Positions places(WeightScope side, BartConfig config) {
        Weight table = positions(side, config);
        return kind.places == BartKind.Places.FLOAT_HALVES ? new Positions.Absolute(table, 1, config.pad())
                : new Positions.Absolute(table);
    }

    private Weight positions(WeightScope side, BartConfig config) {
        int count = config.encoder().maxLength();
        int d = config.encoder().hiddenSize();
        WeightScope table = side.child("embed_positions");
        return switch (kind.places) {
            case LEARNED -> WeightScope.rows(table.weight("weight", count + 2, d), 2, count);
            case HALVES -> table.has("weight") ? table.weight("weight", count, d) : SinePositions.halves(side.arena(), count, d);
            case FLOAT_HALVES -> SinePositions.floatHalves(side.arena(), config.pad(), count + 1, d);
        };
    }

    private LayerNorm embeddingNorm(WeightScope side, int d) {
        return kind.embeddingNorm ? norm(side.child("layernorm_embedding"), d) : null;
    }

    private LayerNorm finalNorm(WeightScope side, int d) {
        return kind.finalNorm ? norm(side.child("layer_norm"), d) : null;
    }

    private static LayerNorm norm(WeightScope norm, int d) {
        return new LayerNorm(norm.weight("weight", d), norm.weight("bias", d), BartConfig.NORM_EPS);
    }

    private static EncoderWeights.Attention attention(WeightScope attention, int d) {
        return new EncoderWeights.Attention(attention.part("q_proj", d, d, true), attention.part("k_proj", d, d, true),
                attention.part("v_proj", d, d, true), attention.part("out_proj", d, d, true));
    }

    private static List<EncoderWeights.Layer> encoderLayers(WeightScope encoder, BartConfig config) {
        int d = config.encoder().hiddenSize();
        int dFf = config.encoder().dFf();
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.encoder().numLayers(); i++) {
            WeightScope layer = encoder.child("layers").child(i);
            layers.add(new EncoderWeights.Layer(attention(layer.child("self_attn"), d), norm(layer.child("self_attn_layer_norm"), d),
                    layer.part("fc1", d, dFf, true), layer.part("fc2", dFf, d, true), norm(layer.child("final_layer_norm"), d)));
        }
        return layers;
    }

    private static List<DecoderWeights.Layer> decoderLayers(WeightScope decoder, BartConfig config) {
        int d = config.decoder().hiddenSize();
        List<DecoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.decoder().numLayers(); i++) {
            WeightScope layer = decoder.child("layers").child(i);
            layers.add(new DecoderWeights.Layer(attention(layer.child("self_attn"), d), norm(layer.child("self_attn_layer_norm"), d),
                    attention(layer.child("encoder_attn"), d), norm(layer.child("encoder_attn_layer_norm"), d),
                    layer.part("fc1", d, config.dFf(), true), layer.part("fc2", config.dFf(), d, true),
                    norm(layer.child("final_layer_norm"), d)));
        }
        return layers;
    }
}
