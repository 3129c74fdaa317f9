package dev.gatun.models.family.t5;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.layer.DecoderSpec;
import dev.gatun.models.layer.DecoderWeights;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.TokenDecoder;
import dev.gatun.models.seq2seq.Seq2Seq;
import dev.gatun.models.seq2seq.Seq2SeqFamily;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * T5, Flan-T5, mT5 and UMT5 (Raffel et al. 2020) with their decoder. What it attends to by distance looks back only; scores of a T5 whose
 * embeddings are tied are scaled by 1 / sqrt(d_model).
 */
public final class T5 implements Seq2SeqFamily {
    private static final List<String> TYPES = List.of("t5", "mt5", "umt5");
    private static final List<String> ARCHITECTURES = List.of("T5ForConditionalGeneration", "MT5ForConditionalGeneration",
            "UMT5ForConditionalGeneration", "T5WithLMHeadModel");

    @Override
    public String name() {
        return "t5";
    }

    @Override
    public List<String> words() {
        return Stream.concat(TYPES.stream(), ARCHITECTURES.stream()).toList();
    }

    @Override
    public boolean claims(Checkpoint checkpoint) {
        return TYPES.contains(checkpoint.modelType()) && checkpoint.architectures().stream().anyMatch(ARCHITECTURES::contains);
    }

    @Override
    public Seq2Seq describe(Checkpoint checkpoint, WeightSource source) {
        ConfigFields fields = checkpoint.fields();
        T5EncoderConfig config = T5EncoderConfig.of(fields);
        fields.require("is_encoder_decoder", true);
        EncoderSpec spec = config.spec();
        WeightScope top = WeightScope.locate(source, T5Encoder.FIRST);
        WeightScope encoder = top.child("encoder");
        WeightScope decoder = top.child("decoder");
        Weight words = first(spec, encoder.child("embed_tokens"), top.child("shared"), decoder.child("embed_tokens"));
        Weight targetWords = first(spec, decoder.child("embed_tokens"), top.child("shared"), encoder.child("embed_tokens"));
        Weight head = first(spec, top.child("lm_head"), top.child("shared"), decoder.child("embed_tokens"), encoder.child("embed_tokens"));
        boolean oneForEach = checkpoint.modelType().equals("umt5");
        int layers = fields.integer("num_decoder_layers", 1, 1 << 12, spec.numLayers());
        DecoderSpec decoderSpec = new DecoderSpec(spec.hiddenSize(), layers, spec.numHeads(), spec.headDim(), spec.maxLength(),
                spec.maxLength(), true, spec.activation());
        float scale = scaled(fields, checkpoint.modelType()) ? (float) (1 / Math.sqrt(spec.hiddenSize())) : 1f;
        return new Seq2Seq(spec, T5Encoder.weights(encoder, config, words, oneForEach), new TokenDecoder(decoderSpec,
                new Embedding(targetWords, null, null, false, null, 1f), decoder(decoder, config, layers, oneForEach),
                new Linear(List.of(new Linear.Part(head, false, null)), Activation.NONE, scale, false)), tokens(fields, spec));
    }

    /** T5 1.1 and Flan are known by a head of their own; mT5 has one always, UMT5 is scaled always. */
    private static boolean scaled(ConfigFields fields, String modelType) {
        boolean tied = fields.flag("tie_word_embeddings", true);
        return switch (modelType) {
            case "mt5" -> false;
            case "umt5" -> true;
            default -> fields.flag("scale_decoder_outputs", tied);
        };
    }

    private static Weight first(EncoderSpec spec, WeightScope... scopes) {
        WeightScope found = Stream.of(scopes).filter(scope -> scope.has("weight")).findFirst().orElse(scopes[1]);
        return found.weight("weight", spec.vocabSize(), spec.hiddenSize());
    }

    private static DecoderWeights decoder(WeightScope decoder, T5EncoderConfig config, int numLayers, boolean oneForEach) {
        EncoderSpec spec = config.spec();
        List<DecoderWeights.Layer> layers = new ArrayList<>();
        Weight shared = oneForEach ? null : T5Encoder.distances(decoder, 0, config, false);
        for (int i = 0; i < numLayers; i++) {
            WeightScope layer = decoder.child("block").child(i).child("layer");
            Linear.Part[] dense = T5Encoder.dense(layer.child(2), config);
            layers.add(new DecoderWeights.Layer(T5Encoder.attention(layer.child(0).child("SelfAttention"), spec, oneForEach
                    ? T5Encoder.distances(decoder, i, config, false) : shared), T5Encoder.norm(layer.child(0).child("layer_norm"), spec),
                    T5Encoder.attention(layer.child(1).child("EncDecAttention"), spec, null),
                    T5Encoder.norm(layer.child(1).child("layer_norm"), spec), dense[0], dense[1], dense[2],
                    T5Encoder.norm(layer.child(2).child("layer_norm"), spec)));
        }
        return new DecoderWeights(layers, T5Encoder.norm(decoder.child("final_layer_norm"), spec));
    }

    private static GenerativeModel.Tokens tokens(ConfigFields fields, EncoderSpec spec) {
        int last = spec.vocabSize() - 1;
        int pad = fields.integer("pad_token_id", 0, last, 0);
        int start = fields.integer("decoder_start_token_id", 0, last, pad);
        return new GenerativeModel.Tokens(spec.vocabSize(), spec.maxLength(), -1, start,
                fields.integer("eos_token_id", 0, last, 1), start);
    }
}
